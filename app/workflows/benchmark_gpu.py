"""Measures a graphics card beside the processor: training steps, reading, and a whole diagnosis.

Each only where it can be: steps where torch sees the card, reading where ONNX Runtime really runs on it. All
sides take the same synthetic notes, in turns where they can't disturb one another.
"""

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch

from app.config.settings import cache_dir
from app.workflows.benchmark_diagnose import DEFAULT_ROUNDS, Side, interleaved, windows_of
from app.workflows.benchmark_reading import FIRST_SEEN, LAST_SEEN, LENGTHS, diagnosed, joined_texts
from app.workflows.benchmark_train import DEFAULT_PATIENTS, encoder_job, step_times, synthetic_patients
from app.workflows.diagnose import DiagnosisService
from ml.errors import ProviderUnavailable
from ml.inference.providers import open_session
from ml.inference.version_loading import card_precision, cpu_precision, load_predictor, version_onnx
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer, token_batch

CPU, CUDA = "cpu", "cuda"
STEPS = ("full/plain", "full/private", "top/private", "lora/plain", "lora/private")
SCOPES = ("full", "lora")  # both plain and private
BATCHES, LENGTH = (1, 16), 128
DECISION_LENGTHS = (64, 128, 256)
NOTES = 3  # of each length, diagnosed
Progress = Callable[..., None]


def measure(
    progress: Progress, *, size: int | None = None, data: str | None = None, gpu: str = CUDA
) -> dict[str, object]:
    """Patients and windows a second, and the card's over the processor's; `size` patients a step.

    `gpu` names the side beside the processor. Raises ProviderUnavailable where nothing sees a card.
    """
    provider = "auto" if gpu == CUDA else gpu
    trains = gpu == CPU or torch.cuda.is_available()
    reads = load_predictor(starting_version(), find_encoder(), provider=provider).provider == gpu
    if not trains and not reads:
        raise ProviderUnavailable(
            "neither torch nor ONNX Runtime sees a graphics card here, so there is nothing to measure; "
            "install the gpu extra, or the CUDA build of torch"
        )
    found: dict[str, object] = {"torch trains there": trains, "ONNX Runtime reads there": reads}
    if trains:
        found |= _training(progress, size or DEFAULT_PATIENTS, gpu)
    return found | (_reading(progress, gpu) | _diagnosing(progress, gpu) if reads else {})


def _training(progress: Progress, size: int, gpu: str) -> dict[str, object]:
    progress("writing synthetic patients")
    patients, declared = synthetic_patients(size)
    job = encoder_job(declared)
    times: dict[str, float] = {}
    for place in (CPU, gpu):  # each in a process of its own: a processor's idle threads still spin
        progress(f"timing {job.steps} steps of each side, on {place}")
        times |= step_times(job, patients, [f"{step}/{place}" for step in STEPS])
    found: dict[str, object] = {"patients a step": size, "threads of the processor's steps": job.threads}
    for step in STEPS:
        found |= {
            f"{step} step, {place}, patients a second": 1000 * size / times[f"{step}/{place}"]
            for place in (CPU, gpu)
        }
        found[f"{step} step: {gpu} / {CPU}"] = times[f"{step}/{CPU}"] / times[f"{step}/{gpu}"]
    for place in (CPU, gpu):
        found |= {
            f"{scope}: DP-SGD / plain, {place}": times[f"{scope}/private/{place}"]
            / times[f"{scope}/plain/{place}"]
            for scope in SCOPES
        }
    return found


def _reading(progress: Progress, gpu: str) -> dict[str, object]:
    """As the program reads on each, and on the card besides: fp32, every kernel started by itself."""
    content, encoder = starting_version(), find_encoder()
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    processor, beside = (load_predictor(content, encoder, provider=place) for place in (CPU, gpu))
    fp32 = version_onnx(content, encoder, precision="fp32")
    plain = open_session(fp32, provider=gpu)
    sides: dict[str, Side] = {
        "processor": processor.run_batch,
        "beside": beside.run_batch,
        "plain": lambda feed: plain.run(None, feed)[0],
    }
    found: dict[str, object] = {
        "tokens of a window": LENGTH,
        "precision on the processor": cpu_precision(content),
        "precision on a card": card_precision(content),
    }
    windows = windows_of(tokenizer, LENGTH)
    for count in BATCHES:
        progress(f"reading {count} windows at once, on {CPU} and on {gpu}")
        whole = range(0, len(windows) - count + 1, count)
        feeds = [token_batch(windows[start : start + count]).feed() for start in whole]
        times = interleaved(sides, feeds, rounds=DEFAULT_ROUNDS)
        found |= {
            f"reading {count} at once, {place}, windows a second": 1000 * count / times[side]
            for place, side in ((CPU, "processor"), (gpu, "beside"))
        }
        found[f"reading {count} at once: {gpu} / {CPU}"] = times["processor"] / times["beside"]
        found[f"reading {count} at once: recorded {card_precision(content)} / plain fp32, {gpu}"] = (
            times["plain"] / times["beside"]
        )
    progress("comparing decisions with fp32 on the processor")
    exact = open_session(fp32, provider=CPU)
    feeds = [token_batch([w]).feed() for length in DECISION_LENGTHS for w in windows_of(tokenizer, length)]
    return found | _agreement(
        np.concatenate([exact.run(None, feed)[0] for feed in feeds]),
        np.concatenate([beside.run_batch(feed) for feed in feeds]),
        gpu,
    )


def _agreement(exact: np.ndarray[Any, Any], found: np.ndarray[Any, Any], gpu: str) -> dict[str, object]:
    return {
        "windows compared with fp32 on the processor": len(exact),
        f"same first disease, {gpu} and fp32": float((exact.argmax(1) == found.argmax(1)).mean()),
        f"largest difference of a logit, {gpu} and fp32": float(np.abs(exact - found).max()),
    }


def _diagnosing(progress: Progress, gpu: str) -> dict[str, object]:
    """Long notes that neither side has seen, by the clock: one to warm up, then the median of some."""
    services = {place: DiagnosisService.load(cache_dir(), provider=place) for place in (CPU, gpu)}
    texts, found = joined_texts(services[CPU]), dict[str, object]()
    for length in LENGTHS:
        progress(f"diagnosing notes of {length:,} characters, on {CPU} and on {gpu}")
        notes = [next(texts)(length) for _ in range(1 + NOTES)]
        for place, service in services.items():
            times = [diagnosed(service, note) for note in notes][1:]
            found |= {
                f"{length:,} characters, {place}: {what}, ms": median(one[what] for one in times)
                for what in (FIRST_SEEN, LAST_SEEN)
            }
    return found

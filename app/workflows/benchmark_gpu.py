"""Measures a graphics card beside the processor: training steps (plain and private), and reading.

Each only where it can be: steps where torch sees the card, reading where ONNX Runtime really runs on it. Both
sides take the same synthetic notes in turns, in one process.
"""

from collections.abc import Callable

import torch

from app.workflows.benchmark_diagnose import DEFAULT_ROUNDS, Side, interleaved, windows_of
from app.workflows.benchmark_train import DEFAULT_PATIENTS, encoder_job, step_times, synthetic_patients
from ml.errors import ProviderUnavailable
from ml.inference.predictor import Predictor
from ml.inference.version_loading import load_predictor
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer, token_batch

CPU, CUDA = "cpu", "cuda"
STEPS = ("full/plain", "full/private", "lora/plain", "lora/private")
BATCHES, LENGTH = (1, 16), 128
Progress = Callable[..., None]


def measure(
    progress: Progress, *, size: int | None = None, data: str | None = None, gpu: str = CUDA
) -> dict[str, object]:
    """Patients and windows a second, and the card's over the processor's; `size` patients a step.

    `gpu` names the side beside the processor. Raises ProviderUnavailable where nothing sees a card.
    """
    beside = _predictor("auto" if gpu == CUDA else gpu)
    trains, reads = gpu == CPU or torch.cuda.is_available(), beside.provider == gpu
    if not trains and not reads:
        raise ProviderUnavailable(
            "neither torch nor ONNX Runtime sees a graphics card here, so there is nothing to measure; "
            "install the gpu extra, or the CUDA build of torch"
        )
    found: dict[str, object] = {"torch trains there": trains, "ONNX Runtime reads there": reads}
    if trains:
        found |= _training(progress, size or DEFAULT_PATIENTS, gpu)
    return found | (_reading(progress, beside, gpu) if reads else {})


def _training(progress: Progress, size: int, gpu: str) -> dict[str, object]:
    progress("writing synthetic patients")
    patients, declared = synthetic_patients(size)
    job = encoder_job(declared)
    sides = {step: (f"{step}/{CPU}", f"{step}/{gpu}") for step in STEPS}
    progress(f"timing {job.steps} steps of each side, on {CPU} and on {gpu}")
    times = step_times(job, patients, [side for both in sides.values() for side in both])
    found: dict[str, object] = {"patients a step": size, "threads of the processor's steps": job.threads}
    for step, (ours, theirs) in sides.items():
        found |= {
            f"{step} step, {place}, patients a second": 1000 * size / times[side]
            for place, side in ((CPU, ours), (gpu, theirs))
        }
        found[f"{step} step: {gpu} / {CPU}"] = times[ours] / times[theirs]
    return found


def _reading(progress: Progress, beside: Predictor, gpu: str) -> dict[str, object]:
    """As the program reads on each: the processor's precision and one thread a window, fp32 on a card."""
    windows = windows_of(TextTokenizer(find_encoder().tokenizer_json), LENGTH)
    sides: dict[str, Side] = {"processor": _predictor(CPU).run_batch, "beside": beside.run_batch}
    found: dict[str, object] = {"tokens of a window": LENGTH}
    for count in BATCHES:
        progress(f"reading {count} windows at once, on {CPU} and on {gpu}")
        whole = range(0, len(windows) - count + 1, count)
        feeds = [token_batch(windows[start : start + count]).feed() for start in whole]
        times = interleaved(sides, feeds, rounds=DEFAULT_ROUNDS)
        found |= {
            f"reading {count} at once, {place}, windows a second": 1000 * count / time
            for place, time in zip((CPU, gpu), times.values(), strict=True)
        }
        found[f"reading {count} at once: {gpu} / {CPU}"] = times["processor"] / times["beside"]
    return found


def _predictor(provider: str) -> Predictor:
    return load_predictor(starting_version(), find_encoder(), provider=provider)

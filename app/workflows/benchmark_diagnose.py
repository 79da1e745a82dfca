"""Measures one note through ONNX Runtime (int8, fp32) and through torch eager, interleaved.

Batch 1 and one thread on both sides, as a window is read. The notes are synthetic, cut to one length; int8
reads some twice, so each note has its median, and the notes their mean.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from app.config.settings import cache_dir
from app.workflows.compare_precisions import first_diseases
from app.workflows.diagnose import DiagnosisService
from app.workflows.suggest_findings import build_recogniser
from app.workflows.write_notes import MEASURED_STYLES, synthetic_notes
from knowledge_graph.graph.cache import load_compiled
from ml.evaluation.probe_texts import probe_texts
from ml.inference.predictor import Predictor
from ml.inference.version_loading import version_onnx, version_tensors
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer, Window, token_batch
from ml.training.classifier import build_classifier

LENGTHS = (64, 128, 256)
TIMED_NOTES, DEFAULT_ROUNDS = 20, 5
DECISION_NOTES = 500
Progress = Callable[..., None]
Side = Callable[[dict[str, Any]], Any]  # from a feed to logits


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> dict[str, object]:
    """Milliseconds of each side, the ratios torch / ONNX, and how often the first disease agrees."""
    torch.set_num_threads(1)
    progress("loading the starting model on both sides")
    sides, tokenizer = _sides()
    found: dict[str, object] = {"threads": 1, "rounds": size or DEFAULT_ROUNDS}
    feeds = {
        length: [dict(token_batch([w]).feed()) for w in windows_of(tokenizer, length)] for length in LENGTHS
    }
    for length in LENGTHS:
        progress(f"measuring {length} tokens")
        times = interleaved(sides, feeds[length], rounds=size or DEFAULT_ROUNDS)
        found |= {f"{name} {length} tokens, ms": value for name, value in times.items()}
        for name in ("int8", "fp32"):
            found[f"torch / {name}, {length} tokens"] = times["torch"] / times[name]
    found |= _agreement(sides, tokenizer)
    progress("reading synthetic notes in both precisions")
    return found | _decisions(size or DECISION_NOTES)


def _sides() -> tuple[dict[str, Side], TextTokenizer]:
    content, encoder = starting_version(), find_encoder()
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    classifier = build_classifier(version_tensors(content, encoder), content.labels, encoder.config)

    def with_torch(feed: dict[str, Any]) -> Any:
        with torch.inference_mode():
            return classifier(**{name: torch.from_numpy(array) for name, array in feed.items()}).numpy()

    sides: dict[str, Side] = {"torch": with_torch}
    for precision in ("int8", "fp32"):
        onnx = version_onnx(content, encoder, precision=precision)
        model = Predictor.load(onnx, tokenizer, content.labels, provider="cpu")
        sides[precision] = model.run_batch
    return sides, tokenizer


def interleaved(sides: dict[str, Side], feeds: list[dict[str, Any]], *, rounds: int) -> dict[str, float]:
    """Milliseconds of each side: a feed's median over the rounds, and the mean of the feeds."""
    times = {name: np.zeros((rounds, len(feeds))) for name in sides}
    for side in sides.values():
        side(feeds[0])  # warms caches
    for run in range(rounds):
        for place, feed in enumerate(feeds):
            for name, side in sides.items():
                began = time.perf_counter()
                side(feed)
                times[name][run, place] = 1000 * (time.perf_counter() - began)
    return {name: float(np.median(values, axis=0).mean()) for name, values in times.items()}


def windows_of(tokenizer: TextTokenizer, length: int) -> list[Window]:
    """TIMED_NOTES windows of synthetic notes that are at least so long, cut to the length."""
    rng = np.random.default_rng(79)
    graph, found = load_compiled(cache_dir()), list[Window]()
    while len(found) < TIMED_NOTES:
        notes = synthetic_notes(graph, count=200, styles=MEASURED_STYLES, rng=rng)
        for w in tokenizer.windows([note.text for note in notes]):
            if len(w.ids) >= length:
                ids, offsets = w.ids[: length - 1] + w.ids[-1:], w.offsets[: length - 1] + w.offsets[-1:]
                found.append(Window(0, ids, offsets))
    return found[:TIMED_NOTES]


def _agreement(sides: dict[str, Side], tokenizer: TextTokenizer) -> dict[str, object]:
    names = load_compiled(cache_dir()).term_names
    feeds = [token_batch([w]).feed() for w in tokenizer.windows(probe_texts(names, count=84, seed=1))]
    first = {name: [int(side(feed).argmax()) for feed in feeds] for name, side in sides.items()}
    return {
        f"same first disease, {name} and torch": sum(
            a == b for a, b in zip(first[name], first["torch"], strict=True)
        )
        / len(feeds)
        for name in ("int8", "fp32")
    }


def _decisions(count: int) -> dict[str, object]:
    """How often int8 and fp32 put the same disease first, and how often each is right."""
    content, encoder, graph = starting_version(), find_encoder(), load_compiled(cache_dir())
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    services = [
        DiagnosisService(
            graph,
            Predictor.load(
                version_onnx(content, encoder, precision=precision), tokenizer, content.labels, provider="cpu"
            ),
            recogniser=partial(build_recogniser, graph, cache_dir()),
        )
        for precision in ("fp32", "int8")
    ]
    rng = np.random.default_rng(77)
    notes = list(synthetic_notes(graph, count=count, styles=MEASURED_STYLES, rng=rng))
    truth = services[0].shown_as[[graph.disease_number(note.truths[0]) for note in notes]]
    found: dict[str, object] = {"synthetic notes": count}
    for way, first in zip(("text", "fused"), first_diseases(services, notes), strict=True):
        found[f"same first disease, int8 and fp32, {way}"] = float((first[0] == first[1]).mean())
        for side, precision in enumerate(("fp32", "int8")):
            found[f"first disease right, {precision}, {way}"] = float((first[side] == truth).mean())
    return found

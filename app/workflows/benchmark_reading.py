"""Measures a whole diagnosis of long notes: to its first answer, to its last, and when the note has changed.

Beside it, how often int8 names the same first disease of a text as fp32, where each window decides for itself
what is read again in fp32, and where the text does. The notes are synthetic, joined to the length.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np

from app.config.settings import cache_dir
from app.workflows.diagnose import DiagnosisService
from app.workflows.read_notes import weigh_while_reading
from app.workflows.weighed import Presentation
from app.workflows.write_notes import MEASURED_STYLES, synthetic_notes
from knowledge_graph.findings.finding import Sex
from ml.inference.predictor import Predictor
from ml.inference.version_loading import version_onnx
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer, token_batch

LENGTHS = (7_000, 200_000)  # characters; a thousand words are about the first
DECIDED_NOTES = 60
DECIDED_LENGTH = 4_000
ADDED = "\nAddendum: nystagmus was seen as well.\n"
FIRST_SEEN, LAST_SEEN = "first answer by the clock", "last answer by the clock"
Progress = Callable[..., None]
Times = dict[str, object]


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> Times:
    """Milliseconds of processor time, which all cores share, and by the clock; `size` notes are decided."""
    service = DiagnosisService.load(cache_dir(), provider="cpu")
    texts = joined_texts(service)
    found: Times = {}
    diagnosed(service, next(texts)(DECIDED_LENGTH))  # warms caches
    for length in LENGTHS:
        progress(f"diagnosing a note of {length:,} characters")
        text = next(texts)(length)
        for change, changed in (("new", text), ("the same", text), ("a sentence added", text + ADDED)):
            times = diagnosed(service, changed)
            found |= {f"{length:,} characters, {change}: {what}, ms": t for what, t in times.items()}
    progress("comparing int8 with fp32 on notes of several windows")
    return found | _decisions([next(texts)(DECIDED_LENGTH) for _ in range(size or DECIDED_NOTES)])


def joined_texts(service: DiagnosisService) -> Iterator[Callable[[int], str]]:
    """Gives makers of texts of a length; no two hold the same notes."""
    notes = synthetic_notes(service.graph, count=10**6, styles=MEASURED_STYLES, rng=np.random.default_rng(81))

    def joined(length: int) -> str:
        text = ""
        while len(text) < length:
            text += next(notes).text + "\n\n"
        return text[:length]

    while True:
        yield joined


def diagnosed(service: DiagnosisService, text: str) -> dict[str, float]:
    """Milliseconds to the findings, to what is known first, and to the last."""
    began, first, seen, clock = time.process_time(), 0.0, 0.0, time.perf_counter()
    asked: Presentation = service.presentation_of_text(text, sex=Sex.UNKNOWN, age=None)
    recognised = time.process_time() - began
    for weighing in weigh_while_reading(service, asked):
        if weighing.weighed is not None:
            service.differential(weighing.weighed)
            first, seen = first or time.process_time() - began, seen or time.perf_counter() - clock
    last, waited = time.process_time() - began, time.perf_counter() - clock
    times = {"findings": recognised, "first answer": first, "last answer": last}
    times |= {FIRST_SEEN: seen, LAST_SEEN: waited}
    return {what: 1000 * seconds for what, seconds in times.items()}


def _decisions(texts: list[str]) -> Times:
    """How often int8 and fp32 put the same disease first, and what each way costs."""
    content, encoder = starting_version(), find_encoder()
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    rounded, exact = (
        Predictor.load(version_onnx(content, encoder, precision=p), tokenizer, content.labels, provider="cpu")
        for p in ("int8", "fp32")
    )
    ways: dict[str, Callable[[str], int]] = {
        "fp32": lambda text: int(exact.logits([text])[0].argmax()),
        "each window decides": lambda text: _first_by_windows(rounded, text),
        "the text decides": lambda text: int(rounded.logits([text])[0].argmax()),
    }
    first: dict[str, list[int]] = {way: [] for way in ways}
    spent = dict.fromkeys(ways, 0.0)
    for text in texts:
        for way, decide in ways.items():
            began = time.process_time()
            first[way].append(decide(text))
            spent[way] += time.process_time() - began
    found: Times = {f"{way}: ms a note": 1000 * s / len(texts) for way, s in spent.items()}
    for way in ("each window decides", "the text decides"):
        same = np.mean(np.array(first[way]) == np.array(first["fp32"]))
        found[f"{way}: same first disease as fp32"] = float(same)
    return found


def _first_by_windows(model: Predictor, text: str) -> int:
    windows = [w for w in model.windows(text) if w.word_count]
    rows = [model.run_batch(token_batch([w]).feed())[0] * w.word_count for w in windows]
    return int(np.sum(rows, axis=0).argmax())

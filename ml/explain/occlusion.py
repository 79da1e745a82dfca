"""Attributions by occlusion: what the model would say of a text without one of its parts.

    weight of a part = log p(label | text) - log p(label | text without the part)

in natural-log units: positive speaks for the label. A part is taken out by its tokens' attention mask
(Zeiler and Fergus 2014 did so with image patches; Li, Monroe and Jurafsky 2016 with words), so that the
others keep their places; only the windows that hold it are read again, each as exactly as it was read whole.
One reading explains every label.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.inference.predictor import Predictor
from ml.inference.reading import Reading, log_softmax
from ml.inference.side_by_side import side_by_side
from ml.text.tokenizer import Window, token_batch

Span = tuple[int, int]
Floats = npt.NDArray[np.float64]
Kept = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Occlusion:
    """Log probabilities (labels,) of the whole text, and (parts, labels) without each part."""

    whole: Floats
    without: Floats

    def weights(self) -> Floats:
        """What each part says for each label, shape (parts, labels), in natural-log units."""
        weights: Floats = self.whole - self.without
        return weights


@dataclass(frozen=True, slots=True)
class _Run:
    """One window to be read with some of its tokens hidden."""

    part: int
    window: int
    kept: Kept


def occlude(predictor: Predictor, text: str, parts: Sequence[Sequence[Span]]) -> Occlusion:
    """Read a text whole and without each part; a part is one or more spans of code points.

    A text without a word, and one whose every word is hidden, is uniform, as the predictor has it.
    """
    reading = predictor.reading([text])
    for _ in reading.steps():
        pass
    windows = reading.windows
    words = [np.array([end > start for start, end in w.offsets]) for w in windows]
    rows = np.zeros((len(windows), len(predictor.labels)))
    for place in range(len(windows)):
        rows[place] = reading.row(place)
    counts = np.array([int(w.sum()) for w in words], dtype=np.float64)
    runs = [run for part, spans in enumerate(parts) for run in _runs(part, spans, windows)]
    hidden = _rows(predictor, reading, runs)
    without_rows: dict[int, list[tuple[_Run, Floats]]] = {}
    for run, row in zip(runs, hidden, strict=True):
        without_rows.setdefault(run.part, []).append((run, row))
    whole = _read(rows, counts)
    without = np.tile(whole, (len(parts), 1))
    for part, changed in without_rows.items():
        part_rows, part_counts = rows.copy(), counts.copy()
        for run, row in changed:
            part_rows[run.window] = row
            part_counts[run.window] = (run.kept & words[run.window]).sum()
        without[part] = _read(part_rows, part_counts)
    return Occlusion(whole, without)


def _read(rows: Floats, counts: Floats) -> Floats:
    """The windows' logits, averaged by their words, as log probabilities."""
    return log_softmax((rows * counts[:, None]).sum(axis=0) / max(counts.sum(), 1.0))


def _runs(part: int, spans: Sequence[Span], windows: Sequence[Window]) -> Iterator[_Run]:
    for number, window in enumerate(windows):
        places = np.array(window.offsets)
        word = places[:, 1] > places[:, 0]
        hidden = np.zeros(len(places), bool)
        for start, end in spans:
            hidden |= word & (places[:, 0] < end) & (places[:, 1] > start)
        if hidden.any():
            yield _Run(part, number, ~hidden)


def _rows(predictor: Predictor, reading: Reading, runs: Sequence[_Run]) -> Floats:
    """Logits (runs, labels); where several are read together, those of like length and doubt."""
    rows = np.zeros((len(runs), len(predictor.labels)))
    by_doubt: dict[float | None, list[int]] = {}
    for place in sorted(range(len(runs)), key=lambda i: len(runs[i].kept)):
        by_doubt.setdefault(reading.doubt_of(runs[place].window), []).append(place)
    batches = [
        (doubt, places[start : start + predictor.at_once])
        for doubt, places in by_doubt.items()
        for start in range(0, len(places), predictor.at_once)
    ]

    def read(job: tuple[float | None, list[int]]) -> Floats:
        doubt, batch = job
        feed = token_batch([reading.windows[runs[place].window] for place in batch]).feed()
        for row, place in enumerate(batch):
            feed["attention_mask"][row, : len(runs[place].kept)] &= runs[place].kept
        return predictor.run_batch(feed, doubt).astype(np.float64)

    for (_, batch), found in side_by_side(read, batches, workers=predictor.workers):
        rows[batch] = found
    return rows

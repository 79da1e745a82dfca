"""Texts on their way through the model, window by window and in any order.

What a window says depends on nothing but its words, so the last answer is the same in every order, and a
window that the model has read before is not read again.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ml.inference.doubt import ALWAYS, NEVER
from ml.inference.side_by_side import side_by_side
from ml.text.text_memory import TextMemory, name_of_tokens
from ml.text.tokenizer import TokenBatch, Window, token_batch

MOST_READ_AGAIN = 32  # windows of one text

Floats = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.float32]]  # logits of windows, or of one


class Reading:
    """The windows of some texts that hold a word, and what those read so far say of each text."""

    def __init__(
        self,
        windows: Sequence[Window],
        read: Callable[[TokenBatch, float | None], Rows],
        *,
        shape: tuple[int, int],
        known: TextMemory[Rows],
        at_once: int,
        workers: int = 1,
        doubt: float = 0.0,
    ):
        """`shape` is (texts, labels); `at_once` windows are given to `read` together, by so many `workers`.

        Where the model has a `doubt`, `read` is told which one holds for a window, or None for its own.
        """
        self.windows = tuple(w for w in windows if w.word_count)
        self._read = read
        self._shape = shape
        self._known = known
        self._at_once = 1 if doubt else at_once
        self._workers = workers
        self._doubt = doubt
        self._rows: dict[int, Rows] = {}
        self._exact: set[int] = set()
        self._places: dict[int, list[int]] = {}
        for place, window in enumerate(self.windows):
            self._places.setdefault(window.text_index, []).append(place)
        self._unsettled = [text for text, places in self._places.items() if doubt and len(places) > 1]
        self._long = frozenset(self._unsettled)

    def ahead(self) -> list[int]:
        """The windows that are neither read yet nor remembered."""
        return [place for place in range(len(self.windows)) if not self._remembered(place)]

    def steps(self, order: Sequence[int] | None = None) -> Iterator[int]:
        """Read what is ahead, in this order of the windows; yields how many are read by now.

        Texts of several windows that are read whole are then settled, which adds steps but no windows.
        """
        ahead = self.ahead() if order is None else list(order)
        while ahead := [place for place in ahead if not self._remembered(place)]:
            for batch, rows in side_by_side(self._rows_of, self._batches(ahead), workers=self._workers):
                for place, row in zip(batch, rows, strict=True):
                    self._rows[place] = self._keep(place, self._doubt_of(place), row)
                yield len(self._rows)
        for text in [t for t in self._unsettled if self._rows.keys() >= set(self._places[t])]:
            self._unsettled.remove(text)
            for _ in self._settle(self._places[text]):
                yield len(self._rows)

    def _batches(self, places: Iterable[int]) -> Iterator[list[int]]:
        """Some windows at a time, none that says the same as one before."""
        firsts: dict[bytes, int] = {}
        for place in places:
            firsts.setdefault(self._name(place, self._doubt_of(place)), place)
        ahead = iter(firsts.values())
        while batch := list(islice(ahead, self._at_once)):
            yield batch

    def _rows_of(self, batch: Sequence[int]) -> Rows:
        return self._read(token_batch([self.windows[place] for place in batch]), self._doubt_of(batch[0]))

    def _settle(self, places: Sequence[int]) -> Iterator[None]:
        """Read windows again without rounding, the longest first, until the rest can't change what is first.

        Rounding moves the mean by less the less of the text is left rounded. Of a very long text only so many
        are read again: over its many windows rounding evens out.
        """
        weights = np.array([self.windows[place].word_count for place in places], np.float64)
        weights /= weights.sum()
        mean = sum(self._rows[place] * weight for place, weight in zip(places, weights, strict=True))
        left = 1.0
        longest = np.argsort(-weights, kind="stable")[:MOST_READ_AGAIN].tolist()
        for start in range(0, len(longest), self._workers):
            some = longest[start : start + self._workers]
            rows: dict[int, Rows] = {}
            for number in some:
                second, first = np.partition(mean, -2)[-2:]
                if first - second >= self._doubt * left:
                    return
                if not rows:
                    rows = yield from self._exactly([places[n] for n in some])
                place, weight = places[number], weights[number]
                mean = mean + (rows[place].astype(np.float64) - self._rows[place]) * weight
                self._rows[place] = rows[place]
                self._exact.add(place)
                left -= weight

    def _exactly(self, places: Sequence[int]) -> Generator[None, None, dict[int, Rows]]:
        """What windows say without rounding; yields where one had to be read for it."""
        rows = {place: self._known.get(self._name(place, ALWAYS)) for place in places}
        unknown = [place for place, row in rows.items() if row is None]

        def read(place: int) -> Rows:
            row: Rows = self._read(token_batch([self.windows[place]]), ALWAYS)[0]
            return row

        for place, row in side_by_side(read, unknown, workers=self._workers):
            rows[place] = self._keep(place, ALWAYS, row)
            yield
        return {place: row for place, row in rows.items() if row is not None}

    def logits(self) -> Floats:
        """(texts, labels): each text's windows, averaged by their words; zero for a text without a word.

        NaN where none of a text's windows is read yet. The sums run in the order of the text, whatever was
        read first.
        """
        summed, weights = np.zeros(self._shape), np.zeros((self._shape[0], 1))
        for place in sorted(self._rows):
            window = self.windows[place]
            summed[window.text_index] += self._rows[place] * window.word_count
            weights[window.text_index] += window.word_count
        begun: Floats = summed / np.maximum(weights, 1)
        begun[[w.text_index for w in self.windows if not weights[w.text_index]]] = np.nan
        return begun

    def row(self, place: int) -> Rows:
        """What a window that is read says: logits (labels,)."""
        return self._rows[place]

    def doubt_of(self, place: int) -> float | None:
        """The doubt by which a window came to be read, for `run_batch`: read so, it says the same again."""
        return ALWAYS if place in self._exact else self._doubt_of(place)

    def log_probabilities(self) -> Floats:
        """Natural logarithms (texts begun, labels), in the order of the texts."""
        logits = self.logits()
        return log_softmax(logits[~np.isnan(logits).any(axis=1)])

    def _remembered(self, place: int) -> bool:
        if place not in self._rows:
            row = self._known.get(self._name(place, self._doubt_of(place)))
            if row is not None:
                self._rows[place] = row
        return place in self._rows

    def _keep(self, place: int, doubt: float | None, row: Rows) -> Rows:
        kept = row.copy()  # of a batch's row, or the batch would stay
        self._known.put(self._name(place, doubt), kept)
        return kept

    def _doubt_of(self, place: int) -> float | None:
        """A text of one window is decided by that window; of several, by their mean."""
        return NEVER if self.windows[place].text_index in self._long else None

    def _name(self, place: int, doubt: float | None) -> bytes:
        return name_of_tokens(self.windows[place].ids) + str(doubt).encode()


def log_softmax(logits: Floats) -> Floats:
    """Log probabilities along the last axis, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normal: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal

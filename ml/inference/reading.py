"""Texts on their way through the model, window by window and in any order.

What a window says depends on nothing but its words, so the last answer is the same in every order, and a
window that the model has read before is not read again.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ml.text.text_memory import TextMemory, name_of_tokens
from ml.text.tokenizer import TokenBatch, Window, token_batch

Floats = np.ndarray[Any, np.dtype[np.float64]]
Rows = np.ndarray[Any, np.dtype[np.float32]]  # logits of windows, or of one


class Reading:
    """The windows of some texts that hold a word, and what those read so far say of each text."""

    def __init__(
        self,
        windows: Sequence[Window],
        read: Callable[[TokenBatch], Rows],
        *,
        shape: tuple[int, int],
        known: TextMemory[Rows],
        at_once: int,
    ):
        """`shape` is (texts, labels); `at_once` windows are given to `read` together."""
        self.windows = tuple(w for w in windows if w.word_count)
        self._read = read
        self._shape = shape
        self._known = known
        self._at_once = at_once
        self._rows: dict[int, Rows] = {}

    def ahead(self) -> list[int]:
        """The windows that are neither read yet nor remembered."""
        return [place for place in range(len(self.windows)) if not self._remembered(place)]

    def steps(self, order: Sequence[int] | None = None) -> Iterator[int]:
        """Read what is ahead, in this order of the windows; yields how many are read by now."""
        unknown = [
            place for place in (self.ahead() if order is None else order) if not self._remembered(place)
        ]
        waiting = (place for place in unknown if not self._remembered(place))  # the same words twice
        while batch := list(islice(waiting, self._at_once)):
            rows = self._read(token_batch([self.windows[place] for place in batch]))
            for place, row in zip(batch, rows, strict=True):
                self._rows[place] = row.copy()
                self._known.put(name_of_tokens(self.windows[place].ids), self._rows[place])
            yield len(self._rows)

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

    def log_probabilities(self) -> Floats:
        """Natural logarithms (texts begun, labels), in the order of the texts."""
        logits = self.logits()
        return log_softmax(logits[~np.isnan(logits).any(axis=1)])

    def _remembered(self, place: int) -> bool:
        if place not in self._rows:
            row = self._known.get(name_of_tokens(self.windows[place].ids))
            if row is not None:
                self._rows[place] = row
        return place in self._rows


def log_softmax(logits: Floats) -> Floats:
    """Log probabilities along the last axis, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normal: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal

"""Turns a wording into a direction: the sum of its words, each the sum of its learned pieces.

    word    = sum over pieces p of weight(p) * row(p)      whole forms 1, runs of three and four letters 0.3
    wording = sum of its words, scaled to length 1

The rows are learned so that wordings of one term point the same way (ml/training/wording_training.py):
"kidney" comes to lie by "renal", "end part of the bone" by "epiphysis". A word never seen is read by its
runs of letters; one of which nothing is known adds nothing. Plain numpy.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ml.recognition.tokens import Word, words_of

RUN_LENGTHS = (3, 4)
RUN_WEIGHT = 0.3
CHUNK = 4096  # wordings summed at once

Floats = np.ndarray[Any, np.dtype[np.float32]]
WordKey = tuple[str, str]  # inflected and loose form


class WordingEncoder:
    """A row for each piece of the vocabulary; `weights` (pieces, size) hold what rare pieces count more."""

    def __init__(self, vocabulary: Mapping[str, int], weights: Floats):
        self.vocabulary = vocabulary
        self.weights = weights

    @property
    def size(self) -> int:
        """Numbers in a direction."""
        return int(self.weights.shape[1])

    def directions(self, wordings: Sequence[str]) -> Floats:
        """Rows of length 1 (wordings, size); a wording of which nothing is known is all zero."""
        keys = [[_key(word) for word in words_of(wording)] for wording in wordings]
        places = {key: place for place, key in enumerate(dict.fromkeys(k for words in keys for k in words))}
        known = np.zeros((len(places) + 1, self.size), np.float32)  # the last row stands for no word
        for key, place in places.items():
            known[place] = self._word(key)
        rows = [[places[key] for key in words] or [len(places)] for words in keys]
        parts = [_summed(known, rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
        return unit(np.concatenate(parts)) if parts else np.zeros((0, self.size), np.float32)

    def _word(self, key: WordKey) -> Floats:
        pieces = pieces_of(key)
        found = [(self.vocabulary[p], w) for p, w in pieces.items() if p in self.vocabulary]
        if not found:
            return np.zeros(self.size, np.float32)
        rows, weights = zip(*found, strict=True)
        summed: Floats = np.array(weights, np.float32) @ self.weights[list(rows)]
        return summed


def wording_pieces(wording: str) -> dict[str, float]:
    """All pieces of a wording with their weights, a word said twice twice."""
    total: dict[str, float] = {}
    for word in words_of(wording):
        for piece, weight in pieces_of(_key(word)).items():
            total[piece] = total.get(piece, 0.0) + weight
    return total


def pieces_of(key: WordKey) -> dict[str, float]:
    """A word's pieces: its form, its looser form where that is another, its runs of letters."""
    form, loose = key
    pieces = {f"={form}": 1.0}
    if loose != form:
        pieces[f"~{loose}"] = 1.0
    padded = f" {form} "
    for length in RUN_LENGTHS:
        for start in range(len(padded) - length + 1):
            run = padded[start : start + length]
            pieces[run] = pieces.get(run, 0.0) + RUN_WEIGHT
    return pieces


def unit(rows: Floats) -> Floats:
    """Rows scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def _key(word: Word) -> WordKey:
    return word.form, word.loose


def _summed(known: Floats, rows: Iterable[Sequence[int]]) -> Floats:
    """The sum of the rows of each list; no list is empty."""
    lists = list(rows)
    ends = np.cumsum([len(row) for row in lists])
    joined = known[np.concatenate([np.array(row) for row in lists])]
    summed: Floats = np.add.reduceat(joined, np.concatenate([[0], ends[:-1]]), axis=0)
    return summed

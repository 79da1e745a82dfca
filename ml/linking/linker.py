"""Finds the terms that a wording means, also where none of them is worded so.

Each name and synonym is a direction (WordingEncoder); a term is as near as the nearest of its wordings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ml.linking.wording_encoder import Floats, WordingEncoder


@dataclass(frozen=True, slots=True)
class LinkedTerm:
    """A term near a query, the wording of it that lies nearest, and their cosine."""

    term_id: str
    wording: str
    score: float


class Linker:
    """The wordings of many terms, ready for queries: a few milliseconds each."""

    def __init__(self, encoder: WordingEncoder, entries: Iterable[tuple[str, Sequence[str]]]):
        """`entries` are (term id, wordings); a term without wordings is never found."""
        kept = [(term_id, tuple(wordings)) for term_id, wordings in entries if wordings]
        self._encoder = encoder
        self._term_ids = [term_id for term_id, _ in kept]
        self._wordings = [wording for _, wordings in kept for wording in wordings]
        counts = np.array([len(wordings) for _, wordings in kept], np.int64)
        self._starts = np.cumsum(counts) - counts
        self._counts = counts
        self._directions = encoder.directions(self._wordings)

    def nearest(self, query: str, *, limit: int = 10, least: float = 0.0) -> tuple[LinkedTerm, ...]:
        """The terms nearest to a query, each once, of a cosine above `least`; nearest first."""
        if not self._term_ids or limit < 1:
            return ()
        near = self._directions @ self._encoder.directions([query])[0]
        best = np.maximum.reduceat(near, self._starts)
        nearest = np.argpartition(-best, limit)[:limit] if limit < len(best) else np.arange(len(best))
        order = nearest[np.lexsort((nearest, -best[nearest]))]
        return tuple(self._linked(int(term), near) for term in order if best[term] > least)

    def scores(self, queries: Sequence[str]) -> Floats:
        """Cosine of each query to each term (queries, terms), in the order of the entries."""
        near = self._encoder.directions(queries) @ self._directions.T
        best: Floats = np.maximum.reduceat(near, self._starts, axis=1)
        return best

    def _linked(self, term: int, near: Floats) -> LinkedTerm:
        start = int(self._starts[term])
        place = start + int(near[start : start + int(self._counts[term])].argmax())
        return LinkedTerm(self._term_ids[term], self._wordings[place], float(near[place]))

"""How likely "yes" is, for every finding that could be asked about and every disease.

P(yes | disease) is the graph's P(term | disease). A disease that is not known to show a finding has
FLOOR_SHARE of the background, as any patient may show it; none shows a finding always. Ids of one disease
are taken together: asking can't tell them apart, so that nothing is gained by it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph

FLOOR_SHARE = 0.2
SMALLEST, LARGEST = 1e-6, 0.98
Belief = npt.NDArray[np.float64]


@dataclass(frozen=True)
class AnswerModel:
    """P(yes | disease), sparse, grouped by term (`indptr` as in CSR, n_terms + 1 entries).

    `floor` (n_terms,) stands for every other disease.
    """

    indptr: Ints
    disease: Ints
    probability: Floats
    floor: Floats

    @cached_property
    def owner(self) -> Ints:
        """The term of each entry."""
        return np.repeat(np.arange(len(self.floor), dtype=np.int32), np.diff(self.indptr))

    @cached_property
    def logs(self) -> Floats:
        """Natural logarithm of each entry's probability."""
        return np.log(self.probability)

    def summed(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """One value an entry added up by term: (n_terms,)."""
        found = np.zeros(len(self.floor))
        filled = np.flatnonzero(np.diff(self.indptr))
        if len(filled):
            found[filled] = np.add.reduceat(values, self.indptr[filled], dtype=np.float64)
        return found

    def of_term(self, term: int, count: int) -> npt.NDArray[np.float64]:
        """P(yes | disease) for one term and all diseases: (count,)."""
        likely = np.full(count, float(self.floor[term]))
        span = slice(int(self.indptr[term]), int(self.indptr[term + 1]))
        likely[self.disease[span]] = self.probability[span]
        return likely

    def of_disease(self, disease: int) -> npt.NDArray[np.float64]:
        """P(yes | disease) for one disease and all terms: (n_terms,)."""
        likely = self.floor.astype(np.float64)
        entries = np.flatnonzero(self.disease == disease)
        likely[self.owner[entries]] = self.probability[entries]
        return likely


def build_answer_model(graph: CompiledGraph, shown_as: npt.NDArray[np.intp]) -> AnswerModel:
    """The model of a graph; `shown_as` (n_diseases,) joins ids, the likeliest of each is kept."""
    profiles, width = graph.profiles, len(graph.disease_ids)
    term = np.repeat(np.arange(len(graph.term_ids), dtype=np.int64), np.diff(profiles.indptr))
    joined = shown_as[profiles.disease] != profiles.disease
    key = term * width + profiles.disease  # ascending
    lead = term[joined] * width + shown_as[profiles.disease[joined]]
    key, value = _merged(key[~joined], profiles.probability[~joined], lead, profiles.probability[joined])
    owner, disease = np.divmod(key, width)
    floor = np.clip(FLOOR_SHARE * profiles.background, SMALLEST, LARGEST).astype(np.float32)
    lengths = np.bincount(owner, minlength=len(graph.term_ids))
    return AnswerModel(
        indptr=np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)]),
        disease=disease.astype(np.int32),
        probability=np.clip(value, floor[owner], np.float32(LARGEST)),
        floor=floor,
    )


def _merged(
    key: npt.NDArray[np.int64], value: Floats, more: npt.NDArray[np.int64], of_more: Floats
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Ascending keys with further ones put in, the largest value kept of each."""
    more, owner = np.unique(more, return_inverse=True)
    best = np.zeros(len(more), np.float32)
    np.maximum.at(best, owner, of_more)
    place = np.searchsorted(key, more)
    known = np.zeros(len(more), bool)
    inside = place < len(key)
    known[inside] = key[place[inside]] == more[inside]
    held = value.copy()
    held[place[known]] = np.maximum(held[place[known]], best[known])
    return np.insert(key, place[~known], more[~known]), np.insert(held, place[~known], best[~known])


def binary_entropy(p: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Entropy in bits of a yes-or-no answer whose "yes" has probability p; 0 where it is certain."""
    yes = np.clip(np.asarray(p, np.float64), 0.0, 1.0)
    inside = np.clip(yes, 1e-12, 1 - 1e-12)
    bits: npt.NDArray[np.float64] = -(yes * np.log2(inside) + (1 - yes) * np.log2(1 - inside))
    return bits


def entropy(belief: Belief) -> float:
    """Entropy in bits of a distribution over diseases."""
    held = belief[belief > 0]
    return float(-(held * np.log2(held)).sum())

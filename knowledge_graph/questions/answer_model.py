"""How likely "yes" is, for every finding that could be asked about and every disease.

P(yes | disease) is the graph's P(term | disease). A disease that is not known to show a finding has
FLOOR_SHARE of the background, as any patient may show it; none shows a finding always. What a disease is said
not to show, and all that lies below, it has no likelier than the ranking's cap on it times the background
(`ranking/denial.py`). Ids of one disease are taken together: asking can't tell them apart, so that nothing is
gained by it. Each of them hears the likeliest, as twins do in the ranking, and is held to what it denies
itself; their mean counts.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats, Ints, Places
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.denial import DeniedPairs, denied_pairs

FLOOR_SHARE = 0.2
SMALLEST, LARGEST = 1e-6, 0.98
Belief = npt.NDArray[np.float64]
Keys = npt.NDArray[np.int64]


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


class Said(NamedTuple):
    """What annotations say, id by id: P(term | disease) of what is shown (n,), and what is denied."""

    term: Places
    disease: Ints
    probability: Floats
    denied: DeniedPairs


def build_answer_model(graph: CompiledGraph, shown_as: npt.NDArray[np.intp]) -> AnswerModel:
    """The model of a graph; `shown_as` (n_diseases,) joins ids."""
    profiles = graph.profiles
    floor = np.clip(FLOOR_SHARE * profiles.background, SMALLEST, LARGEST).astype(np.float32)
    term = np.repeat(np.arange(len(graph.term_ids)), np.diff(profiles.indptr))
    said = Said(term, profiles.disease, profiles.probability, denied_pairs(graph, graph.denied))
    key, value = answers_of(graph, said, floor=floor, shown_as=shown_as)
    return of_entries(key, value, floor=floor, width=len(graph.disease_ids))


def of_entries(key: Keys, value: Floats, *, floor: Floats, width: int) -> AnswerModel:
    """The model of ascending keys, each term * `width` + disease."""
    owner, disease = np.divmod(key, width)
    lengths = np.bincount(owner, minlength=len(floor))
    indptr = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    return AnswerModel(indptr, disease.astype(np.int32), value, floor)


def answers_of(
    graph: CompiledGraph, said: Said, *, floor: Floats, shown_as: npt.NDArray[np.intp]
) -> tuple[Keys, Floats]:
    """P(yes | disease) where it is not the floor, ids joined; ascending keys: term * n_diseases + disease."""
    width = len(shown_as)
    key, value = _likeliest(said.term.astype(np.int64) * width + shown_as[said.disease], said.probability)
    value = np.clip(value, floor[key // width], np.float32(LARGEST))
    return _held(graph, (key, value), said.denied, floor=floor, shown_as=shown_as)


def _held(
    graph: CompiledGraph,
    heard: tuple[Keys, Floats],
    denied: DeniedPairs,
    *,
    floor: Floats,
    shown_as: npt.NDArray[np.intp],
) -> tuple[Keys, Floats]:
    """What is heard, less what the ids deny: each is held to its own cap, their mean counts."""
    key, value = heard
    ids = np.bincount(shown_as, minlength=len(shown_as))
    line = shown_as[denied.disease]
    wanted = denied.term.astype(np.int64) * len(shown_as) + line
    likely, _, _ = _looked_up(key, value, wanted, otherwise=floor[denied.term])
    cap = np.maximum(np.exp(denied.ratio) * graph.profiles.background[denied.term], SMALLEST)
    lost = np.maximum(likely - cap, 0) / ids[line]
    some = lost > 0
    pairs, place = np.unique(wanted[some], return_inverse=True)
    left, at, known = _looked_up(key, value, pairs, otherwise=floor[pairs // len(shown_as)])
    left = (left - np.bincount(place, lost[some], len(pairs))).astype(np.float32)
    held = value.copy()
    held[at[known]] = left[known]
    return np.insert(key, at[~known], pairs[~known]), np.insert(held, at[~known], left[~known])


def _looked_up(
    key: Keys, value: Floats, wanted: Keys, *, otherwise: Floats
) -> tuple[Floats, Places, npt.NDArray[np.bool_]]:
    """The values of some keys (`otherwise` where unknown), their places, and which are known."""
    place: Places = np.searchsorted(key, wanted)
    known = np.zeros(len(wanted), np.bool_)
    inside = place < len(key)
    known[inside] = key[place[inside]] == wanted[inside]
    found = otherwise.copy()
    found[known] = value[place[known]]
    return found, place, known


def _likeliest(key: Keys, value: Floats) -> tuple[Keys, Floats]:
    """Each key once, ascending, with its largest value."""
    order = np.argsort(key, kind="stable")
    key, value = key[order], value[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    return key[first], np.maximum.reduceat(value, first) if len(first) else value


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

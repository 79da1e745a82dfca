"""Looks again at the diseases that could be meant, by trees over how their findings are met.

Candidates of each source are the first by total, by ratios, by their namesakes' coverage and by how far the
findings point to their portraits. What sex, age and excluded findings say counts as before: published cases
hold too little of it to learn from. The trees were learned with rows of the rivals lost as the true
disease's own article is (`lost_rows`), so that having few annotations speaks neither for nor against a
disease. They ask of each candidate alone; the third look sets the first ten against each other.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.sealed_arrays import Arrays, sealed, shipped_arrays
from knowledge_graph.ranking.boosted_trees import BoostedTrees
from knowledge_graph.ranking.candidate_features import (
    FEATURES,
    Asked,
    Numbers,
    candidate_features,
    namesakes_coverage,
)
from knowledge_graph.ranking.profile_fit import LIKENESS
from knowledge_graph.ranking.third_look import ThirdLook, weighed

BY_TOTAL, BY_RATIOS, BY_NAMESAKES, BY_LIKENESS = 120, 80, 60, 150
UNIT = 0.3  # nats that make a point of the total, so that the fusion's weights stay true
BETWEEN_EQUALS = 0.003  # of the first look: trees give many the same
FILE, REBUILD = "reranking.bin", "anamnesis evaluate --fit-reranking"


@dataclass(frozen=True, slots=True)
class LearnedLooks:
    """The trees of the second look, and the third look that was learned over them."""

    trees: BoostedTrees
    third: ThirdLook

    @classmethod
    @cache
    def load(cls) -> "LearnedLooks":
        """What ships with the program. An altered file is our fault: ValueError."""
        return cls.of_file(files("resources.ranking").joinpath(FILE).read_bytes())

    @classmethod
    def of_file(cls, data: bytes) -> "LearnedLooks":
        """From a file, its hash and the names of the features checked: ValueError."""
        return cls.of_arrays(shipped_arrays(data, file=FILE, rebuild=REBUILD))

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> "LearnedLooks":
        """From arrays by name, the names of the features checked: ValueError."""
        trees = BoostedTrees.of_arrays(arrays, names=FEATURES, file=FILE, rebuild=REBUILD)
        return cls(trees, ThirdLook.of_arrays(arrays))

    def arrays(self) -> Arrays:
        """By name, with the names of the features and where they come from."""
        return {**self.trees.arrays(), **self.third.arrays()}

    def to_file(self) -> bytes:
        """Both behind a SHA-256."""
        return sealed(self.arrays())


def second_look(graph: CompiledGraph, asked: Asked, looks: LearnedLooks) -> tuple[Floats, float]:
    """What to add to each disease's total, (n_diseases,), and the highest score of a candidate.

    The first of each source keeps the total of that source's first: the looks compare within a source, since
    published cases say nothing of how one source's diseases stand to another's. Diseases of the release that
    are no candidates come after all candidates, in the order they had; a pack's keep their totals.
    """
    chosen = candidates(graph, asked)
    features = candidate_features(graph, asked, chosen)
    nats, fixed = looked_at(looks.trees, features), asked.fixed[chosen] * np.float32(UNIT)
    source, scored = graph.source_of[chosen], np.empty_like(nats)
    left = np.zeros(len(asked.total), bool)
    for members in learned_sources(graph):
        own = np.flatnonzero(source == graph.source_of[members[0]])
        scored[own] = weighed(looks.third, nats[own], features[:, own], fixed[own]) / np.float32(UNIT)
        scored[own] += asked.total[members].max() - scored[own].max()
        left[members] = True
    left[chosen] = False
    behind = min(0.0, float(scored.min() - asked.total[left].max(initial=-np.inf)))
    moved = np.where(left, np.float32(behind), np.float32(0))
    moved[chosen] = scored - asked.total[chosen]
    return moved, float(nats.max())


def looked_at(trees: BoostedTrees, features: Floats) -> Floats:
    """What the trees say of candidates, in nats; sex, age and excluded findings apart: (n_candidates,)."""
    nats: Floats = trees.score(features) + np.float32(BETWEEN_EQUALS) * features[0]
    return nats


def learned_sources(graph: CompiledGraph) -> list[Ints]:
    """Numbers of the diseases of each source of the release; a pack's own are not looked at again."""
    return [members for members in graph.sources if graph.spaces[members[0]] not in graph.pack_spaces]


def candidates(graph: CompiledGraph, asked: Asked) -> Numbers:
    """Numbers of the diseases worth a second look, ascending."""
    namesakes, likeness = namesakes_coverage(graph, asked), asked.picture[LIKENESS]
    wanted = (
        *((asked.total, BY_TOTAL), (asked.ratios, BY_RATIOS)),
        *((namesakes, BY_NAMESAKES), (likeness, BY_LIKENESS)),
    )
    chosen = np.zeros(len(graph.disease_ids), bool)
    for members in learned_sources(graph):
        for score, count in wanted:
            chosen[members[_highest(score[members], count)]] = True
    return np.flatnonzero(chosen)


def _highest(scores: Floats, count: int) -> Numbers:
    """Places of the `count` highest, in no order; which of many equal ones come last is left to numpy."""
    if count >= len(scores):
        return np.arange(len(scores))
    last = np.partition(scores, -count)[-count]  # a third of the time of `argpartition`
    found = np.flatnonzero(scores >= last)
    return found if len(found) == count else np.argpartition(-scores, count)[:count]

"""Looks again at the diseases that could be meant, by trees over how their findings are met.

Candidates of each source are the first by total, by ratios, by their namesakes' coverage and by how far the
findings point to their portraits. What sex, age and excluded findings say counts as before: published cases
hold too little of it to learn from. The trees were learned with rows of the rivals lost as the true disease's
own article is (`lost_rows`), so that having few annotations speaks neither for nor against a disease.
"""

from functools import cache
from importlib.resources import files

import numpy as np

from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.boosted_trees import BoostedTrees
from knowledge_graph.ranking.candidate_features import (
    FEATURES,
    Asked,
    Numbers,
    candidate_features,
    namesakes_coverage,
)
from knowledge_graph.ranking.profile_fit import LIKENESS

BY_TOTAL, BY_RATIOS, BY_NAMESAKES, BY_LIKENESS = 120, 80, 60, 150
# Nats of the trees that make a point of the total, so that the fusion's weights stay true: of 157 cases, one
# a disease and none learned from, the first is stated at 0.38 and right in 0.33 without the own article,
# stated at 0.58 and right in 0.68 with it.
UNIT = 0.3
# How much closer candidates come for each point by which the strongest is higher. Trees ask of each candidate
# alone: they are too sure where much speaks for the first, not sure enough where little does. Chosen on cases
# held out, own article kept and dropped alike: calibration error 0.057 and 0.046 for 0.079 and 0.114.
CALMING, USUALLY_STRONGEST, CALMED_WITHIN = 0.028, 14.0, 20.0
BETWEEN_EQUALS = 0.01  # of the first look: trees give many the same
FILE, REBUILD = "reranking.bin", "anamnesis evaluate --fit-reranking"


@cache
def shipped_trees() -> BoostedTrees:
    """The trees that ship with the program. An altered file is our fault: ValueError."""
    data = files("resources.ranking").joinpath(FILE).read_bytes()
    return BoostedTrees.of_file(data, names=FEATURES, file=FILE, rebuild=REBUILD)


def second_look(graph: CompiledGraph, asked: Asked, trees: BoostedTrees) -> tuple[Floats, float]:
    """What to add to each disease's total, (n_diseases,), and the highest score of a candidate.

    The first of each source keeps the total of that source's first: the trees compare within a source, since
    published cases say nothing of how one source's diseases stand to another's. Diseases of the release that
    are no candidates come after all candidates, in the order they had; a pack's keep their totals.
    """
    chosen = candidates(graph, asked)
    scored = looked_at(trees, candidate_features(graph, asked, chosen))
    strongest = float(scored.max())
    scored *= calmed(strongest)
    scored += asked.fixed[chosen]
    source = graph.source_of[chosen]
    left = np.zeros(len(asked.total), bool)
    for members in learned_sources(graph):
        own = source == graph.source_of[members[0]]
        scored[own] += asked.total[members].max() - scored[own].max()
        left[members] = True
    left[chosen] = False
    behind = min(0.0, float(scored.min() - asked.total[left].max(initial=-np.inf)))
    moved = np.where(left, np.float32(behind), np.float32(0))
    moved[chosen] = scored - asked.total[chosen]
    return moved, strongest


def calmed(strongest: float) -> np.float32:
    """What the distances between candidates are multiplied by, given the highest score among them."""
    beyond = min(max(strongest - USUALLY_STRONGEST, -CALMED_WITHIN), CALMED_WITHIN)
    return np.float32(np.exp(-CALMING * beyond))


def looked_at(trees: BoostedTrees, features: Floats) -> Floats:
    """The candidates' scores in units of the total, sex, age and excluded findings apart: (n_candidates,)."""
    scored: Floats = trees.score(features) / np.float32(UNIT) + np.float32(BETWEEN_EQUALS) * features[0]
    return scored


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

"""The scores that a ranking can be measured by, each with its name: from the plain ratios to the total."""

from collections.abc import Callable

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.ranking.rank import GraphScores

DEFAULT_RANKER = "fused"


def _likelihood_ratio(scores: GraphScores) -> Floats:
    ratios: Floats = scores.own.sum(axis=0) + scores.context
    return ratios


def _kindred(scores: GraphScores) -> Floats:
    ratios: Floats = scores.per_finding.sum(axis=0) + scores.context
    return ratios


def _fused(scores: GraphScores) -> Floats:
    return scores.total


# name to what it makes of a patient's scores: (n_diseases,)
RANKERS: dict[str, Callable[[GraphScores], Floats]] = {
    "fused": _fused,  # what a diagnosis uses
    "kindred": _kindred,  # findings, sex and age; kin heard
    "likelihood_ratio": _likelihood_ratio,  # the same from each disease's own annotations alone
}

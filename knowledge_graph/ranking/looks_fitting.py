"""Learns both looks over folds: no fold is measured, or taught to the third look, by trees that have seen it.

Trees that know a case are surer of it than they may be. So each fold's third look learns from the others,
each scored by trees that have seen neither of the two; the one that ships, from folds that their trees
left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from knowledge_graph.ranking.boosted_trees import BoostedTrees
from knowledge_graph.ranking.rerank_fitting import LookedAt, fit_reranking
from knowledge_graph.ranking.reranking import LearnedLooks
from knowledge_graph.ranking.third_look_fitting import fit_third_look

Folds = frozenset[int]


@dataclass(frozen=True)
class Taught:
    """Published cases with the fold of each, described patients with the folds that hold kin of each."""

    published: Sequence[tuple[LookedAt, int]]
    described: Sequence[tuple[LookedAt, Folds]]
    _trees: dict[Folds, BoostedTrees] = field(default_factory=dict, repr=False)

    def looks(self, held: int | None = None) -> LearnedLooks:
        """Both looks without one fold, or from all of them."""
        without = frozenset(() if held is None else (held,))
        tens = [look.ten(self.trees(without | {own})) for look, own in self.published if own != held]
        return LearnedLooks(self.trees(without), fit_third_look([ten for ten in tens if ten]))

    def trees(self, without: Folds) -> BoostedTrees:
        """Trees from the other folds, and from described patients who have no kin in these."""
        if without not in self._trees:
            self._trees[without] = fit_reranking(
                [look for look, own in self.published if own not in without],
                [look for look, kin in self.described if not kin & without],
            )
        return self._trees[without]

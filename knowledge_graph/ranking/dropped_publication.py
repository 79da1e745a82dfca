"""Scores as if one publication had never been annotated: how a ranking fares on unseen patients.

Rows of phenotype.hpoa whose reference is the publication are taken out, for every disease that
has such rows; only those diseases are scored anew. The background keeps its value.
"""

from functools import cached_property

import numpy as np

from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.profile import direct_frequencies, inherited
from knowledge_graph.ranking.likelihood_ratio import profile_ratios
from knowledge_graph.ranking.rank import GraphScores


class DroppedPublication:
    """Rescores diseases without the rows of a publication."""

    def __init__(self, graph: CompiledGraph):
        self._graph = graph

    @cached_property
    def _diseases(self) -> dict[str, list[int]]:
        """Reference to the diseases that have rows from it."""
        rows = self._graph.associations
        owner = np.repeat(np.arange(len(rows.indptr) - 1), np.diff(rows.indptr))
        found: dict[str, list[int]] = {}
        for reference, disease in sorted(set(zip(rows.reference.tolist(), owner.tolist(), strict=True))):
            found.setdefault(self._graph.texts[reference], []).append(disease)
        return found

    def rescore(self, scores: GraphScores, references: set[str]) -> GraphScores:
        """The scores without the publications' rows (new arrays; the input stays as it is)."""
        affected = {d for reference in references for d in self._diseases.get(reference, ())}
        per_finding = scores.per_finding.copy()
        for disease in affected:
            terms, probability = self.profile(disease, references)
            per_finding[:, disease] = profile_ratios(self._graph, terms, probability, scores.findings)
        total = per_finding.sum(axis=0) + scores.context
        return GraphScores(scores.findings, per_finding, scores.context, total)

    def profile(self, disease: int, references: set[str]) -> tuple[Ints, Floats]:
        """Terms and P(term | disease) from the rows of all other references."""
        rows = self._graph.associations
        span = rows.rows_of(disease)
        dropped = np.array([self._graph.texts[r] in references for r in rows.reference[span]], bool)
        keep = np.zeros(len(rows.term), bool)
        keep[span] = ~rows.excluded[span] & ~dropped
        owner, terms, frequency = direct_frequencies(rows, keep)
        shown, _, probability = inherited(self._graph.ancestors, owner, terms, frequency)
        return shown, probability

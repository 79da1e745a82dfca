"""Resnik's best-match average on the compiled arrays: the method that hpo3 offers, for comparison.

Resnik 1995: the likeness of two terms is the information of their most telling common ancestor. Each
observed term counts its best match among the disease's terms and each of those its best among the observed;
the score is the mean of all. Information is -log of the share of OMIM's diseases that show a term.
"""

from collections.abc import Sequence

import numpy as np

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.profile_fit import reached_information


class ResnikAverage:
    """Scores every disease of OMIM that has annotations; `profiles` are their terms, in the same order."""

    def __init__(self, graph: CompiledGraph):
        self._graph = graph
        omim = np.array([disease.startswith("OMIM:") for disease in graph.disease_ids])
        self._chosen = np.flatnonzero(omim & (np.diff(graph.signatures.indptr) > 0))
        term = np.repeat(np.arange(len(graph.term_ids)), np.diff(graph.profiles.indptr))
        shown = np.bincount(term, omim[graph.profiles.disease], len(graph.term_ids))
        self._information = -np.log(np.maximum(shown, 1) / omim.sum()).astype(np.float32)
        self._information[shown == 0] = 0

    @property
    def profiles(self) -> list[list[str]]:
        """The ids of each disease's own terms."""
        own = self._graph.signatures
        return [
            [self._graph.term_ids[term] for term in own.of_disease(disease)[0].tolist()]
            for disease in self._chosen.tolist()
        ]

    def scores(self, term_ids: Sequence[str]) -> Floats:
        """The averages: (n_chosen,)."""
        graph = self._graph
        terms = [graph.term_number(term) for term in term_ids]
        best = np.zeros(len(graph.disease_ids), np.float32)
        for term in terms:
            best += self._best_of_disease(term)
        reached = reached_information(graph, terms, information=self._information)
        own = graph.signatures
        summed = np.concatenate([np.zeros(1), np.cumsum(reached[own.term], dtype=np.float64)])
        back = np.diff(summed[own.indptr])
        counts = len(terms) + np.diff(own.indptr)
        found: Floats = ((best + back) / counts)[self._chosen].astype(np.float32)
        return found

    def _best_of_disease(self, term: int) -> Floats:
        """For one observed term, its best match in each disease: (n_diseases,)."""
        found = np.zeros(len(self._graph.disease_ids), np.float32)
        above = self._graph.ancestors[term]
        for ancestor in above[np.argsort(self._information[above])].tolist():
            found[self._graph.profiles.of_term(ancestor)[0]] = self._information[ancestor]
        return found

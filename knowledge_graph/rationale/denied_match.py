"""Which rows say that a disease does not show a finding, where they are what its ratio comes from."""

import numpy as np

from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.signature import references_named
from knowledge_graph.ranking.rank import GraphScores
from knowledge_graph.rationale.own_match import OwnMatch

NEVER = "said not to occur"
_AS_EXACT = 1e-5  # ratios are float32


class DeniedMatcher:
    """A patient's findings, ready to be matched with what any disease is said not to show."""

    def __init__(self, graph: CompiledGraph, scores: GraphScores):
        self._graph, self._scores = graph, scores
        said = [
            (place, above, *graph.denied.of_term(above))
            for place, finding in enumerate(scores.findings)
            if finding.state is FindingState.OBSERVED
            for above in graph.ancestors[graph.term_index[finding.term_id]].tolist()
            if above in graph.denied.spans
        ]
        self._of = [(place, above) for place, above, diseases, _ in said for _ in range(len(diseases))]
        self._disease = np.concatenate([np.zeros(0, np.intp), *(diseases for _, _, diseases, _ in said)])
        self._ratio = np.concatenate([np.zeros(0, np.float32), *(ratio for _, _, _, ratio in said)])

    def matches(self, disease: int) -> dict[int, OwnMatch]:
        """Place of a finding to the term that the disease is said not to show, itself or one above it."""
        least: dict[int, tuple[float, int]] = {}
        for row in np.flatnonzero(self._disease == disease).tolist():
            place, above = self._of[row]
            told = float(self._ratio[row]), above
            least[place] = min(least.get(place, told), told)
        return {
            place: _match(self._graph, term, disease)
            for place, (ratio, term) in least.items()
            if abs(float(self._scores.per_finding[place, disease]) - ratio) < _AS_EXACT
        }


def _match(graph: CompiledGraph, term: int, disease: int) -> OwnMatch:
    rows = graph.associations
    span = rows.rows_of(disease)
    said = span.start + (rows.excluded[span] & (rows.term[span] == term)).nonzero()[0]
    counts = ", ".join(dict.fromkeys(filter(None, (graph.texts[i] for i in rows.frequency[said].tolist()))))
    named = (name for i in rows.reference[said].tolist() for name in references_named(graph.texts[i]))
    return OwnMatch(
        graph.term_ids[term],
        graph.term_names[term],
        f"{NEVER} ({counts})" if counts else NEVER,
        tuple(dict.fromkeys(named)),
    )

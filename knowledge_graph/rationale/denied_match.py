"""Which rows say that a disease does not show a finding, where they are what its ratio comes from."""

from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.signature import references_named
from knowledge_graph.ranking.rank import GraphScores
from knowledge_graph.rationale.own_match import OwnMatch

NEVER = "said not to occur"
_AS_EXACT = 1e-5  # ratios are float32


def denied_matches(graph: CompiledGraph, scores: GraphScores, disease: int) -> dict[int, OwnMatch]:
    """Place of a finding to the term that the disease is said not to show, itself or one above it."""
    found: dict[int, OwnMatch] = {}
    for place, finding in enumerate(scores.findings):
        if finding.state is FindingState.OBSERVED:
            said = _denials(graph, graph.term_index[finding.term_id], disease)
            ratio, term = min(said, default=(0.0, -1))
            if said and abs(float(scores.per_finding[place, disease]) - ratio) < _AS_EXACT:
                found[place] = _match(graph, term, disease)
    return found


def _denials(graph: CompiledGraph, term: int, disease: int) -> list[tuple[float, int]]:
    found = []
    for above in graph.ancestors[term].tolist():
        diseases, ratio = graph.denied.of_term(above)
        found += [(value, above) for value in ratio[diseases == disease].tolist()]
    return found


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

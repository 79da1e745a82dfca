"""Says whether a finding is something that diseases can be ranked by."""

from app.workflows.suggest_findings import PHENOTYPIC_ABNORMALITY
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Finding
from knowledge_graph.graph.compiled_graph import CompiledGraph


def is_rankable(graph: CompiledGraph, finding: Finding) -> bool:
    """Whether a finding names a phenotypic abnormality of this knowledge, or a pack's own term."""
    try:
        local = graph.term_number(finding.term_id) >= graph.hpo_terms
        return local or graph.is_a(finding.term_id, PHENOTYPIC_ABNORMALITY)
    except UnknownTerm:
        return False

"""The evidence for one disease as nodes and edges."""

from app.workflows.diagnose import DiagnosisService
from app.workflows.weighed import Presentation
from knowledge_graph.ranking.rank import rank
from knowledge_graph.rationale.evidence_graph import EvidenceGraph, evidence_graph
from knowledge_graph.rationale.explanation import Reasons


def draw_evidence(service: DiagnosisService, asked: Presentation, disease_id: str) -> EvidenceGraph:
    """Findings, the terms they met, the disease and its genes. Raises UnknownDisease, UnknownTerm."""
    graph = service.graph
    scores = rank(graph, asked.findings, sex=asked.sex, age_days=asked.age_days)
    return evidence_graph(graph, disease_id, Reasons(graph, scores).explain(disease_id))

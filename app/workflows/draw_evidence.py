"""The evidence for one disease as nodes and edges, from the NetworkX graph, loaded when first asked."""

from collections.abc import Callable
from functools import cached_property

from app.workflows.diagnose import Presentation
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.knowledge_graph import KnowledgeGraph, load_knowledge
from knowledge_graph.ranking.rank import rank
from knowledge_graph.rationale.evidence_graph import EvidenceGraph, evidence_graph
from knowledge_graph.rationale.explanation import explain


class EvidenceDrawer:
    """Draws for many patients on one knowledge; the first drawing waits two seconds for the graph."""

    def __init__(self, graph: CompiledGraph, load: Callable[[], KnowledgeGraph] = load_knowledge):
        self._graph = graph
        self._load = load

    @cached_property
    def knowledge(self) -> KnowledgeGraph:
        """The NetworkX graph."""
        return self._load()

    def draw(self, asked: Presentation, disease_id: str) -> EvidenceGraph:
        """Findings, the terms they met, the disease and its genes. Raises UnknownDisease, UnknownTerm."""
        scores = rank(self._graph, asked.findings, sex=asked.sex, age_days=asked.age_days)
        return evidence_graph(self.knowledge, disease_id, explain(self._graph, scores, disease_id))

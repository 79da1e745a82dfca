"""The evidence for one disease as nodes and edges, from the NetworkX graph, loaded when first asked."""

from collections.abc import Callable, Sequence

from app.workflows.diagnose import DiagnosisService
from app.workflows.weighed import Presentation
from knowledge_graph.graph.knowledge_graph import KnowledgeGraph, load_knowledge
from knowledge_graph.ranking.rank import rank
from knowledge_graph.rationale.evidence_graph import EvidenceGraph, evidence_graph
from knowledge_graph.rationale.explanation import explain
from knowledge_graph.sources.knowledge_pack import KnowledgePack


class EvidenceDrawer:
    """Draws for many patients; the first drawing waits two seconds for the graph, as does one after an edit.

    The knowledge is the service's, packs included.
    """

    def __init__(
        self,
        service: DiagnosisService,
        load: Callable[[Sequence[KnowledgePack]], KnowledgeGraph] = lambda packs: load_knowledge(packs=packs),
    ):
        self._service = service
        self._load = load
        self._loaded: tuple[str, KnowledgeGraph] | None = None

    @property
    def knowledge(self) -> KnowledgeGraph:
        """The NetworkX graph of what the service knows now."""
        name = self._service.graph.content_hash
        if self._loaded is None or self._loaded[0] != name:
            live = self._service.knowledge
            self._loaded = (name, self._load(live.packs if live else ()))
        return self._loaded[1]

    def draw(self, asked: Presentation, disease_id: str) -> EvidenceGraph:
        """Findings, the terms they met, the disease and its genes. Raises UnknownDisease, UnknownTerm."""
        graph = self._service.graph
        scores = rank(graph, asked.findings, sex=asked.sex, age_days=asked.age_days)
        return evidence_graph(self.knowledge, disease_id, explain(graph, scores, disease_id))

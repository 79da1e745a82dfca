"""A drawing of the evidence loads the graph once, and only when something is drawn."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.workflows.diagnose import DiagnosisService
from app.workflows.draw_evidence import EvidenceDrawer
from app.workflows.weighed import Presentation
from knowledge_graph.errors import UnknownDisease
from knowledge_graph.findings.finding import Finding
from knowledge_graph.graph.knowledge_graph import KnowledgeGraph, load_knowledge
from knowledge_graph.graph.recompilation import compile_knowledge
from knowledge_graph.sources.knowledge_pack import KnowledgePack
from knowledge_graph.terms.term import TermId
from ml.recognition.recogniser import Recogniser
from tests.knowledge_graph.mini_release import write_mini_release


def unread() -> Recogniser:
    raise AssertionError("a list of findings needs no recogniser")


def test_the_graph_is_loaded_once_and_lazily(tmp_path: Path) -> None:
    release = write_mini_release(tmp_path)
    loaded: list[KnowledgeGraph] = []

    def load(_packs: Sequence[KnowledgePack]) -> KnowledgeGraph:
        loaded.append(load_knowledge(release))
        return loaded[-1]

    graph = compile_knowledge(load_knowledge(release))
    drawer = EvidenceDrawer(DiagnosisService(graph, None, recogniser=unread), load)
    assert loaded == []
    asked = Presentation((Finding(TermId("HP:0000010")),))
    drawn = drawer.draw(asked, "OMIM:1")
    assert drawer.draw(asked, "OMIM:1") == drawn
    assert len(loaded) == 1
    assert [node.name for node in drawn.nodes] == ["Fit disease", "FIT1", "Seizure", "Focal seizure"]
    with pytest.raises(UnknownDisease, match="OMIM:9"):
        drawer.draw(asked, "OMIM:9")

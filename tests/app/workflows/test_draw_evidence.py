"""The evidence is drawn from what the diagnosis knows already."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.workflows.diagnose import DiagnosisService
from app.workflows.draw_evidence import draw_evidence
from app.workflows.weighed import Presentation
from knowledge_graph.errors import UnknownDisease
from knowledge_graph.findings.finding import Finding
from knowledge_graph.terms.term import TermId
from ml.recognition.recogniser import Recogniser
from tests.knowledge_graph.mini_release import mini_graph


def unread() -> Recogniser:
    raise AssertionError("a list of findings needs no recogniser")


def test_findings_disease_and_gene_are_drawn(tmp_path: Path) -> None:
    service = DiagnosisService(mini_graph(tmp_path), None, recogniser=unread)
    asked = Presentation((Finding(TermId("HP:0000010")),))
    drawn = draw_evidence(service, asked, "OMIM:1")
    assert [node.name for node in drawn.nodes] == ["Fit disease", "FIT1", "Seizure", "Focal seizure"]
    with pytest.raises(UnknownDisease, match="OMIM:9"):
        draw_evidence(service, asked, "OMIM:9")


def test_neither_a_diagnosis_nor_its_drawing_loads_networkx() -> None:
    asked = "import app.workflows.draw_evidence, sys; sys.exit('networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0

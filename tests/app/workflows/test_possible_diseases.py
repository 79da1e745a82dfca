"""A differential says among how many diseases the true one is, and how strange the patient looks."""

from pathlib import Path

import pytest

from app.cli.diagnose import as_json, as_text
from app.clinical.diagnosis import LISTED, PossibleDiseases, possible_text
from app.workflows.diagnose import DiagnosisService
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.terms.term import DiseaseId, TermId

MARFANOID = tuple(
    Finding(TermId(term))
    for term in ("HP:0001166", "HP:0000098", "HP:0001083", "HP:0002616", "HP:0002650", "HP:0000767")
)


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, with_text=False)


def test_the_set_holds_the_first_lines_and_stands_in_json(service: DiagnosisService) -> None:
    found = service.diagnose(Presentation(MARFANOID), top=3)
    possible = found.possible
    assert possible is not None
    assert 3 < len(possible.disease_ids) == min(possible.size, LISTED)
    assert {line.disease_id for line in found.lines} <= set(possible.disease_ids)
    assert as_json(found)["possible"]["coverage"] == 0.9
    assert possible_text(possible) in as_text(found)


def test_the_set_is_smaller_the_more_is_known_and_none_without_a_finding(service: DiagnosisService) -> None:
    one, many = (service.diagnose(Presentation(MARFANOID[:n])).possible for n in (1, 6))
    assert one is not None
    assert many is not None
    assert many.size < one.size
    excluded = Finding(MARFANOID[0].term_id, FindingState.EXCLUDED)
    assert service.diagnose(Presentation((excluded,))).possible is None


def test_findings_that_no_disease_joins_look_stranger_than_a_textbook_case(service: DiagnosisService) -> None:
    joined = ("HP:0001166", "HP:0001004", "HP:0000138", "HP:0011458", "HP:0000992", "HP:0002617")
    strange = service.diagnose(Presentation(tuple(Finding(TermId(t)) for t in joined))).possible
    textbook = service.diagnose(Presentation(MARFANOID)).possible
    assert strange is not None
    assert textbook is not None
    assert strange.unlike_known > textbook.unlike_known


def test_a_strange_patient_is_said_to_be_one() -> None:
    plain = PossibleDiseases(0.9, 123, 0.5, (DiseaseId("OMIM:1"),))
    assert possible_text(plain).startswith("By the findings alone: one of 123 diseases, right for 90 %")
    assert "may be unknown" not in possible_text(plain)
    many = PossibleDiseases(0.9, 1234, 0.5, (DiseaseId("OMIM:1"),))
    assert possible_text(many).startswith(
        "By the findings alone no list of up to 200 diseases is right for 90 %"
    )
    strange = PossibleDiseases(0.9, 12, 0.97, (DiseaseId("OMIM:1"),))
    assert "97 % of those look more like one" in possible_text(strange)
    assert [found.narrows for found in (plain, many, strange)] == [True, False, True]

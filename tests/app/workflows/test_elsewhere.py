"""A patient who reads like primary care is said to, with the setting to choose; others are not."""

from pathlib import Path

import pytest

from app.cli.diagnose import as_json, as_text
from app.clinical.diagnosis import Differential, elsewhere_text
from app.workflows.diagnose import DiagnosisService
from app.workflows.load_knowledge import KnowledgeChoice
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import TermId
from tests.app.workflows.test_possible_diseases import MARFANOID

pytestmark = pytest.mark.slow
LAY = "I've had a runny nose and I keep sneezing. My eyes are itchy and watery, and my head hurts."


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, provider="cpu", choice=KnowledgeChoice())


def told(service: DiagnosisService, text: str) -> Differential:
    return service.diagnose_text(text, sex=Sex.UNKNOWN, age=None, top=3)


def test_common_complaints_in_own_words_name_the_setting_to_choose(service: DiagnosisService) -> None:
    found = told(service, LAY)
    assert found.elsewhere is not None
    assert (found.elsewhere.setting, found.elsewhere.name) == ("primary_care", "Allergic rhinitis")
    assert as_json(found)["elsewhere"]["disease_id"] == "COMMON:allergic-rhinitis"
    text = as_text(found)
    assert elsewhere_text(found.elsewhere) in text
    assert "--setting primary_care" in text


def test_where_that_setting_is_chosen_nothing_more_is_said(service: DiagnosisService) -> None:
    service.setting = Setting.PRIMARY_CARE
    try:
        found = told(service, LAY)
    finally:
        service.setting = Setting.RARE_DISEASE_CLINIC
    assert found.elsewhere is None
    assert "--setting primary_care" not in as_text(found)


def test_a_rare_picture_is_left_in_the_clinic_whoever_tells_of_it(service: DiagnosisService) -> None:
    assert service.diagnose(Presentation(MARFANOID)).elsewhere is None
    own = "My fingers are very long and I have a dislocated lens, a wide aorta and a crooked spine."
    assert told(service, own).elsewhere is None


def test_a_prediction_set_that_cannot_hold_common_diseases_is_not_shown(service: DiagnosisService) -> None:
    assert told(service, LAY).possible is None
    common = tuple(Finding(TermId(t)) for t in ("HP:0012735", "HP:0001945", "HP:0031417"))
    assert service.diagnose(Presentation(common)).possible is None
    assert service.diagnose(Presentation(MARFANOID)).possible is not None

"""Looking is audited: charts, lists and searches, each once a sitting, before anything is handed out."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.audit_event import AuditEvent
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.errors import UsageError, VaultError
from app.store.patient_query import PatientFilter
from app.store.session import Session
from app.store.vault import Vault
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import DiseaseId, TermId
from tests.app.store.refusal import open_it

ADA, BEA = PatientId("p-1"), PatientId("p-2")
MARFAN = Diagnosis(ADA, DiseaseId("OMIM:154700"), "Marfan", Decision.CONFIRMED, "ann", "2026-01-01")
CHART = ("chart-opened", ADA, "")
VIEWS: dict[str, tuple[Callable[[Vault], object], tuple[str, str, str]]] = {
    "chart": (lambda v: v.chart(ADA), CHART),
    "note": (lambda v: v.note(NoteId("n")), CHART),
    "decisions": (lambda v: v.diagnoses(ADA), CHART),
    "log of marks": (lambda v: v.annotation_events(ADA), CHART),
    "every chart": (lambda v: list(v.every_chart()), ("all-charts-read", "", "2 patients")),
    "list": (lambda v: v.patients(), ("patients-listed", "", "2 patients")),
    "list by a name": (lambda v: v.patients(PatientFilter("ada")), ("patients-listed", "", "1 patients")),
    "record number": (lambda v: v.numbered_patients("MRN 1"), ("patients-listed", "", "0 patients")),
    "search": (lambda v: v.search_notes("seizures"), ("notes-searched", "", "2 notes")),
    "search for nothing": (lambda v: v.search_notes("zebra"), ("notes-searched", "", "0 notes")),
}


@pytest.fixture
def vault_path(path: Path) -> Path:
    with open_it(path) as vault:
        vault.put_records([Patient(BEA, "Bea Sample"), Note(NoteId("m"), BEA, "More seizures.")], origin="u")
        mark = Annotation(AnnotationId("a"), NoteId("n"), 0, 8, TermId("HP:0001250"), FindingState.OBSERVED)
        vault.append_annotations([AnnotationEvent(AnnotationAction.ADD, mark, "ann", "2026-01-01")])
        vault.record_diagnosis(MARFAN)
    return path


def told(vault: Vault, since: int) -> list[tuple[str, str, str]]:
    """What was audited after an event, oldest first."""
    return [(e.action, e.record_id, e.detail) for e in vault.all_audit_events() if e.sequence > since]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_audited_once_a_sitting(vault_path: Path, view: str) -> None:
    look, event = VIEWS[view]
    for _sitting in range(2):
        with open_it(vault_path) as vault:
            count = vault.audit_count()
            look(vault)
            look(vault)
            assert told(vault, count) == [event]
            assert vault.verify_audit().intact


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_that_cannot_be_audited_shows_nothing(
    vault_path: Path, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> AuditEvent:
        raise VaultError("the disk is full")

    with open_it(vault_path) as vault:
        monkeypatch.setattr(Session, "_append_audit", full)
        for _try in range(2):
            with pytest.raises(VaultError, match="full"):
                VIEWS[view][0](vault)


@pytest.mark.parametrize("view", VIEWS)
def test_a_vault_that_is_only_read_shows_it_and_stays_as_it_is(vault_path: Path, view: str) -> None:
    with open_it(vault_path, read_only=True) as vault:
        count = vault.audit_count()
        assert VIEWS[view][0](vault) is not None
        assert vault.audit_count() == count


def test_each_patient_has_an_event_of_her_own(vault_path: Path) -> None:
    with open_it(vault_path) as vault:
        count = vault.audit_count()
        for patient in (ADA, BEA, ADA):
            vault.chart(patient)
        assert told(vault, count) == [("chart-opened", ADA, ""), ("chart-opened", BEA, "")]


def test_reading_every_chart_is_not_the_opening_of_one(vault_path: Path) -> None:
    with open_it(vault_path) as vault:
        list(vault.every_chart())
        count = vault.audit_count()
        vault.chart(BEA)
        assert told(vault, count) == [("chart-opened", BEA, "")]


def test_a_vault_that_somebody_signs_in_to_again_begins_a_new_sitting(vault_path: Path) -> None:
    with open_it(vault_path) as vault:
        vault.chart(ADA)
        count = vault.audit_count()
        vault.begin_sitting()
        vault.chart(ADA)
        assert told(vault, count) == [("vault-opened", "", ""), CHART]


def test_who_is_not_there_is_not_in_the_log(vault_path: Path) -> None:
    with open_it(vault_path) as vault:
        count = vault.audit_count()
        for look in (vault.chart, vault.note):
            with pytest.raises(UsageError):
                look("nobody")
        assert not vault.annotation_events("nobody")
        assert not vault.diagnoses("nobody")
        assert told(vault, count) == []


def test_a_search_that_is_typed_on_is_one_search_and_its_words_are_nowhere(vault_path: Path) -> None:
    with open_it(vault_path) as vault:
        count = vault.audit_count()
        for typed in ("se", "seiz", "seizures", "seizures", ""):
            vault.search_notes(typed)
        assert told(vault, count) == [("notes-searched", "", "2 notes")]
        for typed in ("more", "mo", "seizures"):
            vault.search_notes(typed)
        assert told(vault, count)[1:] == [("notes-searched", "", f"{hits} notes") for hits in (1, 1, 2)]
        assert "seiz" not in str(told(vault, 0))


def test_what_was_seen_and_searched_is_forgotten_at_the_closing(vault_path: Path) -> None:
    vault = open_it(vault_path)
    with vault:
        vault.chart(ADA)
        vault.search_notes("seizures")
    kept = vars(vault._views)
    assert not kept["_seen"]
    assert not kept["_searched"]


def test_writing_about_a_patient_opens_no_chart(vault_path: Path) -> None:
    with open_it(vault_path) as vault:
        count = vault.audit_count()
        vault.record_diagnosis(MARFAN)
        assert [action for action, *_ in told(vault, count)] == ["diagnosis-confirmed"]

"""A note entered in error is kept as it was and counts nowhere; the log says who, when and why."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Differential
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.note import EnteredInError, ErrorReason, Note
from app.clinical.patient import Patient
from app.errors import PolicyError, UsageError, VaultError
from app.exchange.fhir_writer import transaction_bundle
from app.store.erasure import erase_patient
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.note_error import COUNTS_AGAIN, IN_ERROR, let_count_again, mark_in_error
from app.store.people import add_user
from app.store.vault import Vault
from knowledge_graph.terms.term import TermId

SECRET, ADA = "correct horse battery", PatientId("p-1")
RIGHT = Note(NoteId("n-1"), ADA, "Fever and cough.", "Letter", "2026-01-02", author="ann")
WRONG = Note(NoteId("n-2"), ADA, "Seizures. 患者发热 Fever.", "Letter", "2026-01-03", author="ann")
NEVER = Differential((), abstained=True, model_version="m", knowledge_version="k")
SEIZURE = TermId("HP:0001250")


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made, _ = Vault.create(
        tmp_path / "v",
        user="ann",
        passphrase=SECRET,
        kdf=KdfParameters.fast_for_tests(),
        clock=lambda: "2026-02-03",
    )
    with made:
        made.put_records([Patient(ADA, "Ada Sample"), RIGHT, WRONG], origin="t")
        made.append_annotations([mark(WRONG)])
        yield made


def mark(note: Note) -> AnnotationEvent:
    found = Annotation(AnnotationId(f"a-{note.id}"), note.id, 0, 5, SEIZURE)
    return AnnotationEvent(AnnotationAction.ADD, found, "ann", "2026")


def found(vault: Vault, words: str) -> set[NoteId]:
    return {hit.note_id for hit in vault.search_notes(words)}


def test_it_stays_in_the_chart_word_for_word_apart_from_the_notes_that_count(vault: Vault) -> None:
    mark_in_error(vault, WRONG.id, ErrorReason.WRONG_PATIENT)
    error = EnteredInError(ErrorReason.WRONG_PATIENT, "ann", "2026-02-03")
    chart = vault.chart(ADA)
    assert chart.notes == (RIGHT,)
    assert chart.notes_in_error == (replace(WRONG, in_error=error),)


def test_it_is_out_of_marks_search_likeness_list_and_what_an_opinion_rests_on(vault: Vault) -> None:
    (row,) = vault.patients()
    assert (row.note_count, row.finding_count, row.last_activity) == (2, 1, "2026-01-03")
    vault.record_shown(ADA, NEVER)
    mark_in_error(vault, WRONG.id, ErrorReason.OTHER)
    assert vault.annotation_events(ADA) == ()
    assert vault.observed_terms() == {}
    assert [found(vault, words) for words in ("fever", "fev", "发热", "fever 发热")] == [
        {RIGHT.id},
        {RIGHT.id},
        set(),
        set(),
    ]
    (row,) = vault.patients()
    assert (row.note_count, row.finding_count, row.last_activity) == (1, 0, "2026-01-02")
    vault.record_shown(ADA, NEVER)
    after, before = [event for event in vault.audit_events() if event.action == "differential-shown"]
    assert after.detail != before.detail


def test_the_same_right_lets_it_count_again_as_if_nothing_had_been(vault: Vault) -> None:
    before, rows = vault.chart(ADA), vault.patients()
    mark_in_error(vault, WRONG.id, ErrorReason.WRITTEN_TWICE)
    let_count_again(vault, WRONG.id)
    assert (vault.chart(ADA), vault.patients()) == (before, rows)
    assert vault.annotation_events(ADA) == (mark(WRONG),)
    assert found(vault, "fever 发热") == {WRONG.id}


def test_the_log_says_who_when_and_why_and_no_word_of_the_note(vault: Vault) -> None:
    mark_in_error(vault, WRONG.id, ErrorReason.WRONG_PATIENT)
    let_count_again(vault, WRONG.id)
    back, marked = vault.audit_events(limit=2)
    assert (marked.user, marked.at, marked.action, marked.record_id) == ("ann", "2026-02-03", IN_ERROR, ADA)
    assert marked.detail == "note n-2: written for another patient"
    assert (back.user, back.action, back.record_id, back.detail) == ("ann", COUNTS_AGAIN, ADA, "note n-2")
    assert vault.verify_audit().intact


def test_who_may_not_write_can_neither_mark_nor_undo(vault: Vault) -> None:
    add_user(vault, user="bea", passphrase=SECRET, role=Role.ADJUDICATOR, kdf=KdfParameters.fast_for_tests())
    mark_in_error(vault, WRONG.id, ErrorReason.OTHER)
    vault.close()
    with Vault.open(vault.path, user="bea", passphrase=SECRET) as hers:
        with pytest.raises(PolicyError, match="write notes"):
            mark_in_error(hers, RIGHT.id, ErrorReason.OTHER)
        with pytest.raises(PolicyError, match="write notes"):
            let_count_again(hers, WRONG.id)
        assert hers.chart(ADA).notes == (RIGHT,)
    with (
        Vault.open(vault.path, user="ann", passphrase=SECRET, read_only=True) as reading,
        pytest.raises(VaultError, match="nothing can be changed"),
    ):
        let_count_again(reading, WRONG.id)


def test_a_second_mark_a_needless_undo_and_a_finding_in_it_are_refused(vault: Vault) -> None:
    with pytest.raises(UsageError, match="not marked as entered in error"):
        let_count_again(vault, WRONG.id)
    mark_in_error(vault, WRONG.id, ErrorReason.OTHER)
    with pytest.raises(UsageError, match="already"):
        mark_in_error(vault, WRONG.id, ErrorReason.WRITTEN_TWICE)
    with pytest.raises(UsageError, match="count again before it is marked"):
        vault.append_annotations([mark(WRONG)])
    assert vault.note(WRONG.id).in_error == EnteredInError(ErrorReason.OTHER, "ann", "2026-02-03")


def test_importing_it_again_does_not_bring_it_back(vault: Vault) -> None:
    mark_in_error(vault, WRONG.id, ErrorReason.OTHER)
    assert vault.put_records([WRONG], origin="t").unchanged == 1
    assert vault.chart(ADA).notes == (RIGHT,)


def test_a_bundle_names_its_status(vault: Vault) -> None:
    mark_in_error(vault, WRONG.id, ErrorReason.OTHER)
    entries = [e["resource"] for e in transaction_bundle(vault.chart(ADA))["entry"]]
    status = {r["id"]: r["status"] for r in entries if r["resourceType"] == "DocumentReference"}
    assert status == {RIGHT.id: "current", WRONG.id: "entered-in-error"}


def test_an_erased_patient_leaves_no_such_mark(vault: Vault) -> None:
    mark_in_error(vault, WRONG.id, ErrorReason.OTHER)
    erase_patient(vault, ADA)
    assert vault.session().rows("SELECT * FROM note_in_error") == []
    assert not vault.has_patient(ADA)

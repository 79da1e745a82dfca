"""A typed note and a typed patient stand in the vault as imported ones do, and in the log without content."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import pytest

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.chart import Chart
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.errors import PolicyError, UsageError, VaultError
from app.exchange.fhir_writer import transaction_bundle
from app.exchange.item import ReadLimits
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.patient_query import PatientFilter
from app.store.people import add_user
from app.store.vault import Vault
from app.workflows.import_records import import_records
from app.workflows.keep_draft import forget_draft, keep_draft, read_draft
from app.workflows.typed_words import typed_day, typed_text
from app.workflows.write_note import TypedNote, write_note
from app.workflows.write_patient import NumberTaken, TypedPatient, write_patient
from knowledge_graph.findings.finding import Sex
from knowledge_graph.terms.term import TermId

TODAY, NOW, LATER = date(2026, 1, 1), "2026-01-01T09:00:00.000Z", "2026-01-01T09:00:00.001Z"
PASSPHRASE, FAST = "correct horse battery staple", KdfParameters.fast_for_tests()
ADA = TypedPatient("Ada  Quill", "MRN 7", "1990-05-17", Sex.FEMALE)
TEXT = "Seizures since birth.\nNo fever."


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    made, _ = Vault.create(tmp_path / "a.vault", user="ann", passphrase=PASSPHRASE, kdf=FAST)
    with made:
        yield made


def add(vault: Vault, typed: TypedPatient = ADA, at: str = NOW, *, second: bool = False) -> PatientId:
    added = write_patient(vault, typed, today=TODAY, at=at, second=second)
    assert not isinstance(added, NumberTaken)
    return added


def write(vault: Vault, who: PatientId, text: str = TEXT, day: str = "", at: str = NOW) -> NoteId:
    return write_note(vault, who, TypedNote(text, day, "Letter"), today=TODAY, at=at)


def test_a_note_is_filed_word_for_word_with_its_author_and_found_by_its_words(vault: Vault) -> None:
    who = add(vault)
    note = write(vault, who)
    assert vault.chart(who).notes == (Note(note, who, TEXT, "Letter", "2026-01-01", None, "ann"),)
    assert [hit.note_id for hit in vault.search_notes("seizures birth")] == [note]
    (row,) = vault.patients(PatientFilter("quill"))
    assert (row.note_count, row.last_activity, row.record_number) == (1, "2026-01-01", "MRN 7")


def test_the_log_tells_who_wrote_for_whom_and_no_word_of_it(vault: Vault) -> None:
    who = add(vault)
    note = write(vault, who)
    written, added = [event for event in vault.audit_events() if event.action.endswith("-written")]
    assert (written.action, written.user, written.record_id) == ("note-written", "ann", who)
    assert written.detail == f"note {note}"
    assert (added.action, added.record_id, added.detail) == ("patient-written", who, "")
    assert vault.verify_audit().intact


def test_two_notes_of_the_same_words_have_ids_that_do_not_tell_them(vault: Vault) -> None:
    ids = {
        write(vault, add(vault, TypedPatient(name), at), at=NOW) for name, at in (("A", NOW), ("B", LATER))
    }
    assert len(ids) == 2


def test_a_note_that_is_there_already_is_not_filed_twice(vault: Vault) -> None:
    who = add(vault)
    write(vault, who)
    with pytest.raises(UsageError, match="same words"):
        write(vault, who, at=LATER)
    write(vault, who, day="2025-12-31", at=LATER)
    assert len(vault.chart(who).notes) == 2


def test_what_was_marked_still_counts_after_another_note(vault: Vault) -> None:
    who = add(vault)
    mark = Annotation(AnnotationId("a"), write(vault, who), 0, 8, TermId("HP:0001250"))
    vault.append_annotations([AnnotationEvent(AnnotationAction.ADD, mark, "ann", NOW)])
    write(vault, who, "Another day.", at=LATER)
    assert [row.finding_count for row in vault.patients()] == [1]


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (TypedNote(" \n"), "no text yet"),
        (TypedNote("x", "5/6/2020"), "for certain"),
        (TypedNote("x", "2026-01-02"), "future"),
        (TypedNote("x", "1026"), "130 years"),
        (TypedNote("x", "", "k" * 81), "80 characters"),
    ],
)
def test_a_note_that_can_not_stand_is_refused_in_one_sentence(
    vault: Vault, typed: TypedNote, why: str
) -> None:
    who = add(vault)
    vault.chart(who)
    events = vault.audit_count()
    with pytest.raises(UsageError, match=why):
        write_note(vault, who, typed, today=TODAY, at=NOW)
    assert vault.chart(who).notes == ()
    assert vault.audit_count() == events


def test_a_text_has_the_limit_of_an_import_and_no_half_signs() -> None:
    with pytest.raises(UsageError, match="several notes"):
        typed_text("é" * 6, ReadLimits(largest_document=11))
    assert typed_text("é" * 5, ReadLimits(largest_document=11)) == "é" * 5
    assert typed_text("a\ud800\0") == "a��"


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("", ""),
        ("1990", "1990"),
        ("17.5.1990", "1990-05-17"),
        ("2026", "2026"),
        ("2026-01-01 08:30", "2026-01-01"),
    ],
)
def test_a_day_is_read_in_the_forms_that_a_table_may_have(typed: str, day: str) -> None:
    assert typed_day(typed, TODAY, what="the date") == day


def test_a_draft_is_its_writers_alone_and_is_not_kept_beside_the_note_it_became(vault: Vault) -> None:
    who = add(vault)
    keep_draft(vault, who, TypedNote("Begun \ud800", "", "Letter"))
    assert read_draft(vault, who) == TypedNote("Begun �", "", "Letter")
    add_user(vault, user="bob", passphrase=PASSPHRASE, role=Role.CLINICIAN, kdf=FAST)
    vault.close()
    with Vault.open(vault.path, user="bob", passphrase=PASSPHRASE) as theirs:
        assert read_draft(theirs, who) is None
    with Vault.open(vault.path, user="ann", passphrase=PASSPHRASE) as mine:
        forget_draft(mine, who)
        assert read_draft(mine, who) is None
        write(mine, who)
        events = mine.audit_count()
        keep_draft(mine, who, TypedNote(TEXT))
        forget_draft(mine, who)
        assert (read_draft(mine, who), mine.audit_count()) == (None, events)


def test_who_may_not_write_or_has_the_vault_read_only_changes_nothing(vault: Vault) -> None:
    who = add(vault)
    add_user(vault, user="bob", passphrase=PASSPHRASE, role=Role.ANNOTATOR, kdf=FAST)
    vault.close()
    with Vault.open(vault.path, user="bob", passphrase=PASSPHRASE) as theirs:
        for deed in (lambda: write(theirs, who), lambda: add(theirs, TypedPatient("Bea"))):
            with pytest.raises(PolicyError, match="may not write notes or add patients"):
                deed()
        assert (theirs.patient_count(), theirs.chart(who).notes) == (1, ())
    with Vault.open(vault.path, user="ann", passphrase=PASSPHRASE, read_only=True) as looked_at:
        with pytest.raises(VaultError, match="nothing can be changed"):
            write(looked_at, who)
        with pytest.raises(VaultError, match="nothing can be changed"):
            add(looked_at, TypedPatient("Bea"))
        assert (looked_at.patient_count(), looked_at.chart(who).notes) == (1, ())


def test_a_patient_has_what_was_typed(vault: Vault) -> None:
    who = add(vault)
    expected = Patient(who, "Ada Quill", "1990-05-17", Sex.FEMALE, identifiers=(Identifier("", "MRN 7"),))
    assert vault.chart(who) == Chart(expected)


def test_a_number_that_somebody_has_is_given_again_only_on_purpose(vault: Vault) -> None:
    held = Patient(
        PatientId("p"), "Bea", "1980", identifiers=(Identifier("a", "9"), Identifier("urn:mrn", "mrn 7"))
    )
    vault.put_records([held], origin="t")
    taken = write_patient(vault, ADA, today=TODAY, at=NOW)
    assert taken == NumberTaken("Bea (born 1980)")
    assert vault.patient_count() == 1
    first, second = add(vault, second=True), add(vault, second=True, at=LATER)
    assert len({"p", first, second}) == vault.patient_count() == 3
    assert vault.chart("p").patient == held
    assert not isinstance(
        write_patient(vault, TypedPatient("Cleo", "RN 7"), today=TODAY, at=NOW), NumberTaken
    )


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (TypedPatient("  "), "no name yet"),
        (TypedPatient("n" * 201), "200 characters"),
        (TypedPatient("Ada", "7" * 65), "64 characters"),
        (TypedPatient("Ada", "", "2027"), "future"),
        (TypedPatient("Ada", "", "yesterday"), "for certain"),
    ],
)
def test_a_patient_that_can_not_stand_is_refused_in_one_sentence(
    vault: Vault, typed: TypedPatient, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        write_patient(vault, typed, today=TODAY, at=NOW)
    assert vault.patient_count() == 0


def test_a_text_imported_under_her_number_goes_into_her_chart(vault: Vault, tmp_path: Path) -> None:
    who = add(vault)
    (tmp_path / "MRN 7.txt").write_text("A letter.", encoding="utf-8")
    list(import_records(vault, [tmp_path / "MRN 7.txt"]))
    assert [note.text for note in vault.chart(who).notes] == ["A letter."]
    assert vault.chart(who).patient.name == "Ada Quill"


def test_what_was_written_survives_an_export_and_an_import_elsewhere(vault: Vault, tmp_path: Path) -> None:
    who = add(vault)
    write(vault, who)
    file = tmp_path / "chart.json"
    file.write_bytes(msgspec.json.encode(transaction_bundle(vault.chart(who))))
    other, _ = Vault.create(tmp_path / "b.vault", user="eve", passphrase=PASSPHRASE, kdf=FAST)
    with other:
        list(import_records(other, [file]))
        (row,) = other.patients()
        (note,) = other.chart(row.id).notes
    assert (row.name, row.record_number, row.birth_date, row.sex) == (
        "Ada Quill",
        "MRN 7",
        "1990-05-17",
        "FEMALE",
    )
    assert (note.text, note.title, note.written_at, note.author) == (TEXT, "Letter", "2026-01-01", "ann")

"""Marks in notes are a log that only grows; it is read by an index, and counted in the patient list."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent, current_annotations
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.errors import UsageError
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId
from tests.app.store.refusal import open_it

ADA = PatientId("p-1")
ADD, CHANGE = AnnotationAction.ADD, AnnotationAction.CHANGE
OBSERVED, EXCLUDED = FindingState.OBSERVED, FindingState.EXCLUDED


def _event(
    action: AnnotationAction, end: int, state: FindingState = FindingState.OBSERVED
) -> AnnotationEvent:
    mark = Annotation(AnnotationId("a"), NoteId("n"), 0, end, TermId("HP:0001250"), state)
    return AnnotationEvent(action, mark, "ann", "2026-01-03")


def test_annotations_are_a_log_that_only_grows(path: Path) -> None:
    with open_it(path) as vault:
        vault.append_annotations([_event(ADD, 8)])
        vault.append_annotations([_event(CHANGE, 8, EXCLUDED)])
        events = vault.annotation_events(ADA)
        assert [e.action for e in events] == ["add", "change"]
        assert current_annotations(events)[0].state is EXCLUDED
        assert vault.patients()[0].finding_count == 1
        with pytest.raises(Exception, match="append-only"):
            vault.session().connection().execute("DELETE FROM annotation_event")
        with pytest.raises(Exception, match="immutable"):
            vault.session().connection().execute("UPDATE note SET text = ''")


def test_marks_still_count_when_a_later_import_adds_to_the_chart(path: Path) -> None:
    with open_it(path) as vault:
        vault.append_annotations([_event(ADD, 8)])
        vault.put_records([Note(NoteId("later"), ADA, "No fever.")], origin="another file")
        assert vault.patients()[0].finding_count == 1


def test_a_patients_log_is_read_by_the_index_of_her_notes(path: Path) -> None:
    """A log of ten million events must not be walked through to open one chart."""
    with open_it(path) as vault:
        asked: list[str] = []
        rows = vault.session().rows

        def explained(sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
            asked.extend(row[3] for row in rows("EXPLAIN QUERY PLAN " + sql, parameters))
            return rows(sql, parameters)

        vault.session().rows = explained  # type: ignore[method-assign]
        vault.annotation_events(ADA)
        assert [step for step in asked if "SCAN annotation_event" in step] == []
        assert any("annotation_event_by_note" in step for step in asked)


def test_a_mark_outside_its_note_is_refused(path: Path) -> None:
    with open_it(path) as vault:
        with pytest.raises(UsageError, match="inside its note"):
            vault.append_annotations([_event(ADD, 9_999)])
        assert vault.annotation_events(ADA) == ()


def test_the_event_of_marks_names_whose_and_which_note_they_are_in(path: Path) -> None:
    with open_it(path) as vault:
        vault.append_annotations([_event(ADD, 8), _event(CHANGE, 8, EXCLUDED)])
        event = vault.audit_events(limit=1)[0]
        assert (event.action, event.record_id, event.detail) == ("annotated", ADA, "2 events, note n")


def test_marks_of_two_patients_are_two_deeds(path: Path) -> None:
    bea = PatientId("p-2")
    other = Annotation(AnnotationId("b"), NoteId("m"), 0, 8, TermId("HP:0001250"), OBSERVED)
    with open_it(path) as vault:
        vault.put_records([Patient(bea, "Bea Sample"), Note(NoteId("m"), bea, "Seizures.")], origin="u")
        count = vault.audit_count()
        with pytest.raises(ValueError, match="one patient"):
            vault.append_annotations([_event(ADD, 8), AnnotationEvent(ADD, other, "ann", "2026-01-03")])
        vault.append_annotations([])
        assert vault.audit_count() == count
        assert vault.annotation_events(ADA) == vault.annotation_events(bea) == ()

"""Appends marks in notes to their log, and counts the findings that the patient list shows."""

from collections.abc import Mapping, Sequence

import msgspec

from app.clinical.annotation import AnnotationEvent, current_annotations
from app.clinical.ids import NoteId
from app.clinical.note import Note
from app.errors import UsageError
from app.store.patient_query import read_note, read_patient_log
from app.store.record_table import refresh_summary
from app.store.session import Session


def append_events(session: Session, events: Sequence[AnnotationEvent]) -> None:
    """Append marks of one patient, audited. Raises UsageError for a note that does not take one."""
    if not events:
        return
    notes = {event.annotation.note_id: read_note(session, event.annotation.note_id) for event in events}
    _refuse_unfit(events, notes)
    patient_ids = {note.patient_id for note in notes.values()}
    if len(patient_ids) > 1:
        raise ValueError("an audit event is about one patient: append each patient's marks by themselves")
    where = f"note {min(notes)}" if len(notes) == 1 else f"{len(notes)} notes"
    patient_id = patient_ids.pop()
    with session.transaction("annotated", patient_id, f"{len(events)} events, {where}") as connection:
        for event in events:
            connection.execute(
                "INSERT INTO annotation_event (note_id, patient_id, body) VALUES (?, ?, ?)",
                (event.annotation.note_id, patient_id, msgspec.json.encode(event)),
            )
        count_findings(session, patient_id)


def count_findings(session: Session, patient_id: str) -> None:
    """Inside the caller's transaction: coded findings and standing marks of a patient, each term once."""
    connection = session.connection()
    refresh_summary(connection, patient_id)
    marks = current_annotations(read_patient_log(session, patient_id))
    terms = {mark.term_id for mark in marks if not mark.rejected}
    connection.execute(
        "UPDATE patient SET finding_count = finding_count + ? WHERE id = ?", (len(terms), patient_id)
    )


def _refuse_unfit(events: Sequence[AnnotationEvent], notes: Mapping[NoteId, Note]) -> None:
    for event in events:
        mark = event.annotation
        if notes[mark.note_id].in_error:
            raise UsageError("the note was entered in error; let it count again before it is marked")
        if not mark.fits(notes[mark.note_id].text):
            raise UsageError("an annotation must lie inside its note; mark the text again")

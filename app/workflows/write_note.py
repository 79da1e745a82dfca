"""Files a note that a clinician typed: the record that an import would make, with her name as its author."""

from dataclasses import dataclass
from datetime import date

from app.clinical.ids import NoteId, PatientId, record_id
from app.clinical.note import Note
from app.errors import UsageError
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.typed_words import typed_day, typed_line, typed_text

LONGEST_KIND = 80


@dataclass(frozen=True, slots=True)
class TypedNote:
    """What was typed: `day` in any certain form, `kind` as the chart shall name the note."""

    text: str
    day: str = ""
    kind: str = ""


def write_note(vault: Vault, patient_id: PatientId, typed: TypedNote, *, today: date, at: str) -> NoteId:
    """File a note, which nothing can change afterwards. Raises UsageError, PolicyError or VaultError.

    Its id comes from who wrote it and when (`at`, to the millisecond), not from its words: the audit log
    names it. The day is today's where none is typed.
    """
    vault.require(Right.WRITE)
    chart = vault.chart(patient_id)
    note = Note(
        id=NoteId(record_id("written note", patient_id, vault.user, at)),
        patient_id=patient_id,
        text=typed_text(typed.text),
        title=typed_line(typed.kind, longest=LONGEST_KIND, what="the kind of note") or "Note",
        written_at=typed_day(typed.day, today, what="the note's date") or today.isoformat(),
        author=vault.user,
    )
    if any((held.sha256, held.written_at) == (note.sha256, note.written_at) for held in chart.notes):
        raise UsageError("the chart holds a note of that day with the same words already")
    vault.put_written(note)
    return note.id

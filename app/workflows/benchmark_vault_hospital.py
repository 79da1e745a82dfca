"""The synthetic hospital of the vault's benchmark, as nouns or, ten times faster, as rows.

A part of it is written as the vault writes, and measured; the rest goes in by bulk statements without
journal, which leave the same tables. Either way memory holds one chunk.
"""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.ids import AnnotationId, NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.character_pairs import character_pairs
from app.store.database import Connection
from app.store.record_table import search_text
from knowledge_graph.terms.term import TermId

NOTES_A_PATIENT, EVENTS_A_NOTE = 10, 10
CHINESE = "患者发热三天"  # in one note of each patient; its words are searched by pairs of characters
ORIGIN = "m"
UNHARMED_ONLY_IF_FINISHED = (
    *("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "secure_delete = OFF"),
)
_HERE = "@"  # stands for a note's id in an event that is made once


def records_of(first: int, texts: Sequence[str]) -> Iterator[tuple[Patient, list[Note]]]:
    """Patients by number from `first`, with ten notes each."""
    for at in range(0, len(texts), NOTES_A_PATIENT):
        patient = Patient(PatientId(f"p{first + at // NOTES_A_PATIENT}"), name=_name(first, at))
        yield (
            patient,
            [
                Note(
                    NoteId(f"{patient.id}-{n}"),
                    patient.id,
                    text if n else f"{text} {CHINESE}",
                    written_at=f"2026-01-{n + 1:02d}",
                )
                for n, text in enumerate(texts[at : at + NOTES_A_PATIENT])
            ],
        )


def events_of(note_id: str, patient_id: str) -> Iterator[tuple[str, str, bytes]]:
    """Rows of a note's annotation log."""
    whose = note_id.encode()
    for event in _EVENTS:
        yield note_id, patient_id, event.replace(_HERE.encode(), whose)


def begin_bulk(connection: Connection) -> None:
    """Make filling fast: what a stop leaves is no database. Open the file anew afterwards."""
    for pragma in UNHARMED_ONLY_IF_FINISHED:
        connection.execute(f"PRAGMA {pragma}").fetchall()


def put_in_bulk(connection: Connection, first: int, texts: Sequence[str]) -> None:
    """What `put_records` and an annotated note leave, in four statements."""
    people = list(records_of(first, texts))
    number = first * NOTES_A_PATIENT + 1
    notes = [(at, note) for at, note in enumerate((n for _, found in people for n in found), start=number)]
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT INTO patient VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '')",
        (_patient_row(patient, found) for patient, found in people),
    )
    connection.executemany(
        "INSERT INTO note VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (_note_row(at, note) for at, note in notes)
    )
    connection.executemany(
        "INSERT INTO note_pairs (rowid, pairs) VALUES (?, ?)",
        ((at, pairs) for at, n in notes if (pairs := character_pairs(f"{n.title} {n.text}"))),
    )
    connection.executemany(
        "INSERT INTO annotation_event (note_id, patient_id, body) VALUES (?, ?, ?)",
        (row for _, note in notes for row in events_of(note.id, note.patient_id)),
    )
    connection.execute("COMMIT")


def _name(first: int, at: int) -> str:
    return f"Synthetic p{first + at // NOTES_A_PATIENT}"


def _patient_row(patient: Patient, notes: Sequence[Note]) -> tuple[object, ...]:
    body = msgspec.json.encode(patient)
    return (
        *(patient.id, patient.name, patient.birth_date, str(patient.sex), search_text(patient)),
        *(hashlib.sha256(body).digest(), ORIGIN, body),
        *(len(notes), max(note.written_at for note in notes)),
    )


def _note_row(number: int, note: Note) -> tuple[object, ...]:
    return (
        *(number, note.id, note.patient_id, note.encounter_id, note.title),
        *(note.written_at, note.author, note.text, note.sha256),
    )


def _event(turn: int) -> bytes:
    mark = Annotation(AnnotationId(f"{_HERE}-{turn}"), NoteId(_HERE), turn, turn + 8, TermId("HP:0001250"))
    return msgspec.json.encode(AnnotationEvent(AnnotationAction.ADD, mark, "m", "2026-01-01T00:00:00Z"))


_EVENTS = tuple(_event(turn) for turn in range(EVENTS_A_NOTE))

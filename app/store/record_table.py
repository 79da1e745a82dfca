"""Writes clinical nouns as rows, and reads them back as nouns.

Idempotent: a record is found again by its id, and left alone where its content hash is the same.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from app.clinical.chart import ClinicalRecord
from app.clinical.diagnosis import Diagnosis
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.character_pairs import character_pairs
from app.store.database import Connection

# Patients and notes have tables of their own.
KINDS: dict[str, Any] = {k.__name__: k for k in get_args(ClinicalRecord) if k not in (Patient, Note)}
_COUNTS = "number NOT IN (SELECT number FROM note_in_error)"
_TIMES = ("started_at", "effective_at", "issued_at", "authored_at", "recorded_at", "performed_at", "onset")


@dataclass(frozen=True, slots=True)
class PutCounts:
    """What became of the records of one call; `marked` are the patients of theirs whose notes have marks."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    marked: tuple[str, ...] = ()


def put_records(connection: Connection, records: Iterable[ClinicalRecord], *, origin: str) -> PutCounts:
    """Write records inside the caller's transaction; patients must come before what is theirs."""
    added = changed = unchanged = 0
    touched: set[str] = set()
    again = _was_imported(connection, origin)
    for record in records:
        before = connection.total_changes
        outcome = _put(connection, record, origin, again=again)
        added += outcome == "added"
        changed += outcome == "changed"
        unchanged += outcome == "unchanged"
        if connection.total_changes != before:
            touched.add(record.id if isinstance(record, Patient) else record.patient_id)
    for patient in touched:
        refresh_summary(connection, patient)
    marked = tuple(sorted(patient for patient in touched if _has_marks(connection, patient)))
    return PutCounts(added, changed, unchanged, marked)


def refresh_summary(connection: Connection, patient_id: str) -> None:
    """Bring the columns that the patient list shows up to date; marks in notes are not counted here."""
    connection.execute(
        f"""UPDATE patient SET
             note_count = (SELECT count(*) FROM note WHERE patient_id = patient.id AND {_COUNTS}),
             finding_count = (SELECT count(*) FROM record
                              WHERE patient_id = patient.id AND kind = 'PhenotypicFeature'),
             last_activity = max(
                 coalesce((SELECT max(written_at) FROM note WHERE patient_id = patient.id AND {_COUNTS}), ''),
                 coalesce((SELECT max(happened_at) FROM record WHERE patient_id = patient.id), ''))
           WHERE id = ?""",
        (patient_id,),
    )


def _has_marks(connection: Connection, patient_id: str) -> bool:
    return bool(
        connection.execute(
            """SELECT 1 FROM note CROSS JOIN annotation_event ON annotation_event.note_id = note.id
               WHERE note.patient_id = ? LIMIT 1""",
            (patient_id,),
        ).fetchone()
    )


def search_text(patient: Patient) -> str:
    """What the patient list is searched in: name, record numbers, birth date."""
    numbers = (identifier.value for identifier in patient.identifiers)
    return " ".join([patient.name, *numbers, patient.birth_date]).casefold()


def decoded(kind: str, body: bytes) -> Any:
    """The noun of a stored body."""
    return msgspec.json.decode(body, type=KINDS[kind])


def _was_imported(connection: Connection, origin: str) -> bool:
    """Whether this very file was imported before."""
    return bool(
        connection.execute(
            "SELECT 1 FROM audit_event WHERE action = 'records-imported' AND detail = ? LIMIT 1", (origin,)
        ).fetchone()
    )


def _put(connection: Connection, record: ClinicalRecord, origin: str, *, again: bool) -> str:
    if isinstance(record, Note):
        return _put_note(connection, record)
    body = msgspec.json.encode(record)
    digest = hashlib.sha256(body).digest()
    table = "patient" if isinstance(record, Patient) else "record"
    found = connection.execute(
        f"SELECT content_hash, origin FROM {table} WHERE id = ?", (record.id,)
    ).fetchone()
    if found is not None:
        if found[0] == digest or (again and _is_superseded(connection, record.id, digest)):
            return "unchanged"
        connection.execute("INSERT OR IGNORE INTO superseded VALUES (?, ?, ?)", (record.id, *found))
    row = (digest, origin, body)
    if isinstance(record, Patient):
        _put_patient(connection, record, row)
    else:
        _put_record(connection, record, row)
    return "added" if found is None else "changed"


def _is_superseded(connection: Connection, record_id: str, digest: bytes) -> bool:
    """Whether this was said before another file changed it; whichever file said it first."""
    return bool(
        connection.execute(
            "SELECT 1 FROM superseded WHERE id = ? AND content_hash = ?", (record_id, digest)
        ).fetchone()
    )


def _put_patient(connection: Connection, patient: Patient, row: tuple[bytes, str, bytes]) -> None:
    connection.execute(
        """INSERT INTO patient (id, name, birth_date, sex, search_text, content_hash, origin, body)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET name = excluded.name, birth_date = excluded.birth_date,
             sex = excluded.sex, search_text = excluded.search_text,
             content_hash = excluded.content_hash, origin = excluded.origin, body = excluded.body""",
        (patient.id, patient.name, patient.birth_date, str(patient.sex), search_text(patient), *row),
    )


def _put_record(connection: Connection, record: Any, row: tuple[bytes, str, bytes]) -> None:
    times = (getattr(record, name) for name in _TIMES if hasattr(record, name))
    connection.execute(
        """INSERT INTO record (id, kind, patient_id, happened_at, content_hash, origin, body)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, patient_id = excluded.patient_id,
             happened_at = excluded.happened_at, content_hash = excluded.content_hash,
             origin = excluded.origin, body = excluded.body""",
        (
            record.id,
            type(record).__name__,
            record.patient_id,
            next((t for t in times if t), ""),
            *row,
        ),
    )


def _put_note(connection: Connection, note: Note) -> str:
    cursor = connection.execute(
        """INSERT INTO note (id, patient_id, encounter_id, title, written_at, author, text, sha256)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING""",
        (
            *(note.id, note.patient_id, note.encounter_id, note.title),
            *(note.written_at, note.author, note.text, note.sha256),
        ),
    )
    if cursor.rowcount != 1:
        return "unchanged"
    pairs = character_pairs(f"{note.title} {note.text}")
    if pairs:
        connection.execute("INSERT INTO note_pairs (rowid, pairs) VALUES (?, ?)", (cursor.lastrowid, pairs))
    return "added"


def put_diagnosis(connection: Connection, diagnosis: Diagnosis) -> None:
    """Append a decision, and keep the list's confirmed disease: the last confirmed one that stands."""
    connection.execute(
        "INSERT INTO diagnosis (patient_id, disease_id, decision, body) VALUES (?, ?, ?, ?)",
        (
            *(diagnosis.patient_id, diagnosis.disease_id),
            *(str(diagnosis.decision), msgspec.json.encode(diagnosis)),
        ),
    )
    connection.execute(
        """UPDATE patient SET confirmed = coalesce((
             SELECT json_extract(d.body, '$.name') FROM diagnosis d
             WHERE d.patient_id = patient.id AND d.decision = 'confirmed' AND NOT EXISTS (
               SELECT 1 FROM diagnosis later WHERE later.patient_id = d.patient_id
                 AND later.disease_id = d.disease_id AND later.sequence > d.sequence)
             ORDER BY d.sequence DESC LIMIT 1), '') WHERE id = ?""",
        (diagnosis.patient_id,),
    )

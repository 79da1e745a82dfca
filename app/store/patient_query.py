"""Lists and opens patients: one statement a page, whatever the number of patients."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from app.clinical.annotation import AnnotationEvent
from app.clinical.chart import Chart
from app.clinical.diagnosis import Diagnosis
from app.clinical.ids import EncounterId, NoteId, PatientId
from app.clinical.note import EnteredInError, ErrorReason, Note
from app.clinical.patient import Patient
from app.errors import UsageError
from app.store.record_table import decoded
from app.store.session import Session

ORDERS = {"name": "name COLLATE NOCASE, id", "activity": "last_activity DESC, id"}
RECORD_NUMBER = "coalesce(json_extract(CAST(patient.body AS TEXT), '$.identifiers[0].value'), '')"
_DIED = """coalesce(nullif(json_extract(CAST(patient.body AS TEXT), '$.deceased_at'), ''),
    CASE WHEN json_extract(CAST(patient.body AS TEXT), '$.deceased') THEN '' END)"""
_ROW = f"""id, name, {RECORD_NUMBER}, birth_date, sex, note_count, finding_count, last_activity, confirmed,
  {_DIED}"""
_PLAIN_WORDS = 32
_NOTES = """SELECT id, patient_id, text, title, written_at, encounter_id, author, reason, marked_by, marked_at
  FROM note LEFT JOIN note_in_error USING (number)"""
_COUNTING = "patient_id = ? AND number NOT IN (SELECT number FROM note_in_error)"
_LOG = f"""SELECT body FROM annotation_event
  WHERE note_id IN (SELECT id FROM note WHERE {_COUNTING}) ORDER BY sequence"""
_RESTS_ON = (
    "SELECT body FROM patient WHERE id = ?",
    "SELECT body FROM record WHERE patient_id = ? ORDER BY id",
    f"SELECT CAST(sha256 AS BLOB) FROM note WHERE {_COUNTING} ORDER BY id",
    _LOG,
)
_CHART_FIELDS = {
    "Encounter": "encounters",
    "Condition": "conditions",
    "Observation": "observations",
    "DiagnosticReport": "reports",
    "MedicationRequest": "medications",
    "AllergyIntolerance": "allergies",
    "Procedure": "procedures",
    "FamilyMemberHistory": "family_history",
    "PhenotypicFeature": "features",
}


@dataclass(frozen=True, slots=True)
class PatientRow:
    """What the list shows of a patient; `confirmed` is the name of the confirmed disease, or empty.

    `died` is None for the living; else an ISO date or date and time, or empty where the record has no day.
    """

    id: PatientId
    name: str
    record_number: str
    birth_date: str
    sex: str
    note_count: int
    finding_count: int
    last_activity: str
    confirmed: str
    died: str | None


@dataclass(frozen=True, slots=True)
class PatientFilter:
    """Which patients: words that must all occur in name, identifiers or birth date; sex (`FEMALE`, ...),
    decided or not; in which order (`name`, `activity`).
    """

    text: str = ""
    sex: str | None = None
    decided: bool | None = None
    order: str = "name"

    @property
    def narrows(self) -> bool:
        """Whether anything is filtered out."""
        return bool(self.text) or self.sex is not None or self.decided is not None


EVERYBODY = PatientFilter()


def list_patients(session: Session, wanted: PatientFilter, *, limit: int, offset: int) -> list[PatientRow]:
    """One page of patients, found in an index that holds what is asked about; only their rows are read."""
    where, parameters = _where(wanted)
    order = ORDERS[wanted.order]
    rows = session.rows(
        f"""SELECT {_ROW} FROM patient
            WHERE id IN (SELECT id FROM patient {where} ORDER BY {order} LIMIT ? OFFSET ?)
            ORDER BY {order}""",
        (*parameters, limit, offset),
    )
    return [PatientRow(*row) for row in rows]


def list_numbered(session: Session, number: str) -> list[PatientRow]:
    """Everybody with an identifier of this value, in any system and in letters of either case."""
    rows = session.rows(
        f"""SELECT {_ROW} FROM patient WHERE instr(search_text, ?1) AND EXISTS (
              SELECT 1 FROM json_each(CAST(patient.body AS TEXT), '$.identifiers')
              WHERE json_extract(value, '$.value') = ?2 COLLATE NOCASE)
            ORDER BY {ORDERS["name"]}""",
        (number.casefold(), number),
    )
    return [PatientRow(*row) for row in rows]


def count_patients(session: Session, wanted: PatientFilter) -> int:
    """How many patients a filter lets through."""
    where, parameters = _where(wanted)
    return int(session.rows(f"SELECT count(*) FROM patient {where}", parameters)[0][0])


def patient_ids(session: Session, *, decided_only: bool = False) -> tuple[PatientId, ...]:
    """Every patient's id, in order; or of those alone who have a confirmed disease."""
    where = "WHERE confirmed <> ''" if decided_only else ""
    return tuple(PatientId(row[0]) for row in session.rows(f"SELECT id FROM patient {where} ORDER BY id"))


def read_people(session: Session) -> dict[str, Patient]:
    """Every patient, by id."""
    bodies = session.rows("SELECT body FROM patient")
    people = (msgspec.json.decode(body, type=Patient) for (body,) in bodies)
    return {patient.id: patient for patient in people}


def read_chart(session: Session, patient_id: str) -> Chart:
    """Everything about one patient. Raises UsageError for an unknown id."""
    found = session.rows("SELECT body FROM patient WHERE id = ?", (patient_id,))
    if not found:
        raise UsageError("there is no patient with this id in the vault; see the patient list")
    by_field: dict[str, list[Any]] = defaultdict(list)
    for kind, body in session.rows(
        "SELECT kind, body FROM record WHERE patient_id = ? ORDER BY happened_at, id", (patient_id,)
    ):
        by_field[_CHART_FIELDS[kind]].append(decoded(kind, body))
    notes = read_notes(session, patient_id)
    return Chart(
        patient=msgspec.json.decode(found[0][0], type=Patient),
        notes=tuple(note for note in notes if note.in_error is None),
        notes_in_error=tuple(note for note in notes if note.in_error is not None),
        diagnoses=tuple(read_diagnoses(session, patient_id)),
        **{name: tuple(nouns) for name, nouns in by_field.items()},
    )


def read_charts(
    session: Session, wanted: Iterable[PatientId]
) -> Iterator[tuple[Chart, tuple[AnnotationEvent, ...]]]:
    """The charts of these patients with the logs of their notes that count, each read when asked for."""
    for patient_id in wanted:
        yield read_chart(session, patient_id), tuple(read_patient_log(session, patient_id))


def read_notes(session: Session, patient_id: str) -> list[Note]:
    """A patient's notes, oldest first, with those that were entered in error."""
    rows = session.rows(f"{_NOTES} WHERE patient_id = ? ORDER BY written_at, id", (patient_id,))
    return [_note(row) for row in rows]


def read_note(session: Session, note_id: str) -> Note:
    """One note. Raises UsageError for an unknown id."""
    rows = session.rows(f"{_NOTES} WHERE id = ?", (note_id,))
    if not rows:
        raise UsageError("there is no note with this id in the vault; `anamnesis notes` finds it")
    return _note(rows[0])


def read_patient_log(session: Session, patient_id: str) -> list[AnnotationEvent]:
    """The annotation logs of a patient's notes that count, oldest first; the log is indexed by note alone."""
    rows = session.rows(_LOG, (patient_id,))
    return [msgspec.json.decode(body, type=AnnotationEvent) for (body,) in rows]


def chart_digest(session: Session, patient_id: str) -> str:
    """SHA-256 of all that an opinion about a patient can rest on: person, records, notes and marks."""
    digest = hashlib.sha256()
    for sql in _RESTS_ON:
        rows = session.rows(sql, (patient_id,))
        digest.update(len(rows).to_bytes(8, "big"))
        for (content,) in rows:
            digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def read_diagnoses(session: Session, patient_id: str) -> list[Diagnosis]:
    """Every decision about a patient, oldest first."""
    rows = session.rows("SELECT body FROM diagnosis WHERE patient_id = ? ORDER BY sequence", (patient_id,))
    return [msgspec.json.decode(body, type=Diagnosis) for (body,) in rows]


def _where(wanted: PatientFilter) -> tuple[str, list[Any]]:
    clauses, parameters = list[str](), list[Any]()
    text = wanted.text.encode("utf-8", "replace").decode("utf-8")  # SQLite takes no half of a sign
    words = list(dict.fromkeys(text.casefold().split()))
    if len(words) <= _PLAIN_WORDS:
        clauses += ["instr(search_text, ?)"] * len(words)
        parameters += words
    else:  # a pasted text: SQLite takes a thousand conditions at most
        clauses.append("NOT EXISTS (SELECT 1 FROM json_each(?) WHERE NOT instr(search_text, value))")
        parameters.append(json.dumps(words))
    if wanted.sex is not None:
        clauses.append("sex = ?")
        parameters.append(wanted.sex)
    if wanted.decided is not None:
        clauses.append("confirmed <> ''" if wanted.decided else "confirmed = ''")
    return ("WHERE " + " AND ".join(clauses) if clauses else ""), parameters


def _note(row: Any) -> Note:
    note_id, patient_id, text, title, written_at, encounter_id, author, *marked = row
    return Note(
        id=NoteId(note_id),
        patient_id=PatientId(patient_id),
        text=text,
        title=title,
        written_at=written_at,
        encounter_id=EncounterId(encounter_id) if encounter_id else None,
        author=author,
        in_error=EnteredInError(ErrorReason(marked[0]), *marked[1:]) if marked[0] else None,
    )

"""Reads CSV and TSV: a patient, a note or an observation a row, by a map from fields to columns.

The map is guessed from the header where none is given; what was guessed stands in the report.
"""

import csv
import io
from collections.abc import Iterator

from app.clinical.chart import ClinicalRecord
from app.clinical.ids import NoteId, PatientId, RecordId, record_id
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import Coding, Condition, Observation, Quantity, ReferenceRange
from app.errors import ImportRefused
from app.exchange.item import ImportedItem
from knowledge_graph.findings.finding import Sex

FIELDS = {
    "patient_id": ("patient_id", "patientid", "patient", "mrn", "subject_id", "person_id", "pid", "id"),
    "name": ("name", "patient_name", "full_name"),
    "birth_date": ("birth_date", "birthdate", "dob", "date_of_birth"),
    "sex": ("sex", "gender"),
    "note": ("note", "text", "note_text", "report", "document", "content"),
    "title": ("title", "note_type", "note_title"),
    "date": ("date", "datetime", "time", "note_date", "charttime", "effective", "written_at"),
    "condition": ("condition", "diagnosis", "problem"),
    "condition_code": ("condition_code", "icd10", "icd_code", "diagnosis_code"),
    "test": ("test", "test_name", "analyte", "lab", "observation"),
    "loinc": ("loinc", "loinc_code"),
    "value": ("value", "result", "valuenum"),
    "unit": ("unit", "units", "valueuom"),
    "low": ("low", "ref_low", "ref_range_lower"),
    "high": ("high", "ref_high", "ref_range_upper"),
}
_SEX = {"f": Sex.FEMALE, "female": Sex.FEMALE, "m": Sex.MALE, "male": Sex.MALE, "other": Sex.OTHER}
LONGEST_CELL = 16 << 20


def read_table(data: bytes, *, name: str, column_map: dict[str, str] | None = None) -> Iterator[ImportedItem]:
    """One item a row. Raises ImportRefused where the file or the map can't be used."""
    rows = _rows(data, name)
    header = next(rows, None)
    if header is None:
        raise ImportRefused(f"{name}: the table is empty; export it again")
    columns = _columns(header, column_map or {}, name)
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            yield _item(row, len(header), columns, f"row {number}")


def _rows(data: bytes, name: str) -> Iterator[list[str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{name}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if "\0" in text:
        raise ImportRefused(f"{name}: holds NUL characters; it is no text table")
    first = text.split("\n", 1)[0]
    delimiter = max("\t;,|", key=first.count)
    csv.field_size_limit(LONGEST_CELL)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise ImportRefused(f"{name}: the table's quotes do not match ({error}); export it again") from error


def _columns(header: list[str], given: dict[str, str], name: str) -> dict[str, int]:
    unknown = set(given) - set(FIELDS)
    if unknown:
        raise ImportRefused(
            f"{name}: no such field: {', '.join(sorted(unknown))}; fields: {', '.join(FIELDS)}"
        )
    places = {title.strip().casefold().replace(" ", "_"): i for i, title in enumerate(header)}
    exact = {title.strip(): i for i, title in enumerate(header)}
    columns: dict[str, int] = {}
    for field, column in given.items():
        if column not in exact:
            raise ImportRefused(f"{name}: has no column {column!r}; name one of its header")
        columns[field] = exact[column]
    for field, guesses in FIELDS.items():
        found = next((places[g] for g in guesses if g in places), None)
        if field not in columns and found is not None and found not in columns.values():
            columns[field] = found
    if "patient_id" not in columns:
        raise ImportRefused(f"{name}: no column names the patient; say which: --map patient_id=COLUMN")
    return columns


def _item(row: list[str], width: int, columns: dict[str, int], place: str) -> ImportedItem:
    if len(row) != width:
        return ImportedItem("row", place, skipped=f"{len(row)} cells where the header has {width}")
    cell = {field: row[i].strip() for field, i in columns.items()}
    if not cell["patient_id"]:
        return ImportedItem("row", place, skipped="it names no patient")
    patient_id = PatientId(record_id("table", cell["patient_id"]))
    records: list[ClinicalRecord] = [_patient(cell, patient_id)]
    remarks: list[str] = []
    if cell.get("note"):
        records.append(_note(row[columns["note"]], cell, patient_id))
    if cell.get("condition") or cell.get("condition_code"):
        records.append(_condition(cell, patient_id))
    if cell.get("test") or cell.get("loinc"):
        records.append(_observation(cell, patient_id, remarks))
    return ImportedItem("row", place, tuple(records), "", tuple(remarks))


def _patient(cell: dict[str, str], patient_id: PatientId) -> Patient:
    return Patient(
        id=patient_id,
        name=cell.get("name", "") or cell["patient_id"],
        birth_date=cell.get("birth_date", ""),
        sex=_SEX.get(cell.get("sex", "").casefold(), Sex.UNKNOWN),
        identifiers=(Identifier("", cell["patient_id"]),),
    )


def _note(text: str, cell: dict[str, str], patient_id: PatientId) -> Note:
    made = Note(NoteId(""), patient_id, text, cell.get("title", ""), cell.get("date", ""))
    identity = record_id("note", patient_id, made.written_at, made.sha256)
    return Note(NoteId(identity), patient_id, text, made.title, made.written_at)


def _condition(cell: dict[str, str], patient_id: PatientId) -> Condition:
    code, name = cell.get("condition_code", ""), cell.get("condition", "")
    identity = RecordId(record_id("condition", patient_id, code, name, cell.get("date", "")))
    coding = (Coding("", code, name),) if code else ()
    return Condition(identity, patient_id, name or code, coding, onset=cell.get("date", ""))


def _observation(cell: dict[str, str], patient_id: PatientId, remarks: list[str]) -> Observation:
    code, name, value = cell.get("loinc", ""), cell.get("test", ""), cell.get("value", "")
    amount = _number(value)
    low, high = _number(cell.get("low", "")), _number(cell.get("high", ""))
    if value and amount is None:
        remarks.append("the value is no number and was kept as text")
    parts = (patient_id, code, name, cell.get("date", ""), value, cell.get("unit", ""))
    return Observation(
        id=RecordId(record_id("observation", *parts)),
        patient_id=patient_id,
        label=name or code,
        codings=(Coding("http://loinc.org", code, name),) if code else (),
        effective_at=cell.get("date", ""),
        quantity=Quantity(amount, cell.get("unit", "")) if amount is not None else None,
        value_text=value if amount is None else "",
        reference_range=ReferenceRange(low, high) if low is not None or high is not None else None,
    )


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ".")) if text.count(",") == 1 and "." not in text else float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None

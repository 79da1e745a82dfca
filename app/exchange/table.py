"""Reads CSV and TSV: a patient, a note, a condition or an observation a row, by a map from fields to columns.

The map is guessed from the header where none is given; columns that no field takes are named in the report.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from app.clinical.chart import ClinicalRecord
from app.clinical.ids import NoteId, PatientId, RecordId, record_id
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import Coding, Condition, Observation, ReferenceRange
from app.errors import ImportRefused
from app.exchange.item import ImportedItem
from app.exchange.table_cell import ColumnHabit, iso_moment, measured
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
    "onset": ("onset", "onset_date", "date_of_onset"),
    "test": ("test", "test_name", "analyte", "lab", "observation"),
    "loinc": ("loinc", "loinc_code"),
    "value": ("value", "result", "valuenum"),
    "unit": ("unit", "units", "valueuom"),
    "low": ("low", "ref_low", "ref_range_lower"),
    "high": ("high", "ref_high", "ref_range_upper"),
}
_DATES, _NUMBERS = ("birth_date", "date", "onset"), ("value", "low", "high")
_SEX = {
    "f": Sex.FEMALE,
    "female": Sex.FEMALE,
    "w": Sex.FEMALE,
    "woman": Sex.FEMALE,
    "m": Sex.MALE,
    "male": Sex.MALE,
    "man": Sex.MALE,
    "other": Sex.OTHER,
    "o": Sex.OTHER,
    "": Sex.UNKNOWN,
    "u": Sex.UNKNOWN,
    "unknown": Sex.UNKNOWN,
}
_TITLE = re.compile(r"[\w .%/()#-]{1,40}")
LONGEST_CELL = 16 << 20
Row = dict[str, str]
Whose = Callable[[Patient], Patient | None]
NOTHING_MORE = "it says nothing beyond its patient, whom an earlier row named"
SOMEBODY_ELSES = "two patients carry its number, or one of another name and birth date; check the number"


def read_table(
    data: bytes,
    *,
    name: str,
    column_map: dict[str, str] | None = None,
    whose: Whose = lambda patient: patient,
) -> Iterator[ImportedItem]:
    """One item a row. Raises ImportRefused where the file or the map can't be used."""
    text = _decoded(data, name)
    rows = _rows(text, name)
    header = next(rows, None)
    if header is None:
        raise ImportRefused(f"{name}: the table is empty; export it again")
    table = _Table(header, _columns(header, column_map or {}, name), whose)
    for row in rows:
        table.see(row)
    rows = _rows(text, name)
    next(rows)
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            yield table.item(row, f"row {number}")


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{name}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if "\0" in text:
        raise ImportRefused(f"{name}: holds NUL characters; it is no text table")
    # Excel writes its separator into a line of its own.
    return re.sub(r"\Asep=[^\r\n]\r?\n", "", text)


def _rows(text: str, name: str) -> Iterator[list[str]]:
    first = re.sub(r'"[^"]*"', "", text.split("\n", 1)[0])
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
    exact = [title.strip() for title in header]
    plain = [title.casefold().replace(" ", "_") for title in exact]
    columns: dict[str, int] = {}
    for field, column in given.items():
        if column not in exact:
            raise ImportRefused(f"{name}: has no column {column!r}; name one of its header")
        columns[field] = _only(exact, column, name)
    for field, guesses in FIELDS.items():
        found = next((guess for guess in guesses if guess in plain), None)
        if field not in columns and found is not None and plain.index(found) not in columns.values():
            columns[field] = _only(plain, found, name)
    if "patient_id" not in columns:
        raise ImportRefused(f"{name}: no column names the patient; say which: --map patient_id=COLUMN")
    return columns


def _only(titles: list[str], title: str, name: str) -> int:
    if titles.count(title) > 1:
        raise ImportRefused(f"{name}: two columns are called {title!r}; rename one of them")
    return titles.index(title)


class _Table:
    """The rows of one table: what their columns have in common, and what each one says."""

    def __init__(self, header: list[str], columns: dict[str, int], whose: Whose):
        self._whose = whose
        self._width = len(header)
        self._columns = columns
        free = {i: title.strip() for i, title in enumerate(header) if i not in columns.values()}
        self._free = {i: t if _TITLE.fullmatch(t) else f"column {i + 1}" for i, t in free.items()}
        self._habits: dict[str, ColumnHabit] = defaultdict(ColumnHabit)
        self._numbers = ColumnHabit()
        self._filed: set[str] = set()
        self._people: dict[str, dict[str, str]] = defaultdict(dict)

    def see(self, row: list[str]) -> None:
        """The first pass: habits of the columns, and all that the rows say of each patient."""
        if len(row) != self._width:
            return
        cell = self._cells(row)
        for field in _DATES:
            self._habits[field].see(cell.get(field, ""))
        for field in _NUMBERS:
            self._numbers.see(cell.get(field, ""))
        person = self._people[cell["patient_id"]]
        for field in ("name", "birth_date", "sex"):
            if cell.get(field) and field not in person:
                person[field] = cell[field]

    def item(self, row: list[str], place: str) -> ImportedItem:
        """The second pass: the row's nouns."""
        if len(row) != self._width:
            return ImportedItem("row", place, skipped=f"{len(row)} cells where the header has {self._width}")
        cell = self._cells(row)
        if not cell["patient_id"]:
            return ImportedItem("row", place, skipped="it names no patient")
        remarks: list[str] = []
        patient = self._whose(self._patient(cell, remarks))
        if patient is None:
            return ImportedItem("row", place, skipped=SOMEBODY_ELSES)
        for field in ("date", "onset"):
            cell[field] = self._moment(cell.get(field, ""), field, remarks)
        records: list[ClinicalRecord] = [] if patient.id in self._filed else [patient]
        self._filed.add(patient.id)
        if cell.get("note"):
            records.append(_note(row[self._columns["note"]], cell, patient.id))
        if cell.get("condition") or cell.get("condition_code"):
            records.append(_condition(cell, patient.id))
        if cell.get("test") or cell.get("loinc"):
            records.append(self._observation(cell, patient.id, remarks))
        unread = tuple(title for i, title in self._free.items() if row[i].strip())
        nothing = "" if records else NOTHING_MORE
        return ImportedItem("row", place, tuple(records), nothing, tuple(remarks), unread)

    def _cells(self, row: list[str]) -> Row:
        return {field: row[i].strip() for field, i in self._columns.items()}

    def _patient(self, cell: Row, remarks: list[str]) -> Patient:
        """All rows of a patient together, so that a row that says less does not blank what another says."""
        own = cell["patient_id"]
        said = self._people[own]
        if any(cell.get(field, said[field]) not in ("", said[field]) for field in said):
            remarks.append("another name, sex or birth date than in an earlier row of this patient")
        sex = _SEX.get(said.get("sex", "").casefold())
        if sex is None:
            remarks.append("the sex is not one of F, M, other, unknown; it was left out")
        return Patient(
            id=PatientId(record_id("table", own)),
            name=said.get("name", "") or own,
            birth_date=self._moment(said.get("birth_date", ""), "birth_date", remarks)[:10],
            sex=sex or Sex.UNKNOWN,
            identifiers=(Identifier("", own),),
        )

    def _moment(self, text: str, field: str, remarks: list[str]) -> str:
        moment = iso_moment(text, self._habits[field])
        if moment is None:
            remarks.append(f"the {field} is not certain and was left out; write YYYY-MM-DD")
        return moment or ""

    def _observation(self, cell: Row, patient_id: PatientId, remarks: list[str]) -> Observation:
        code, name, value = cell.get("loinc", ""), cell.get("test", ""), cell.get("value", "")
        amount = measured(value, self._numbers)
        low, high = (measured(cell.get(end, ""), self._numbers) for end in ("low", "high"))
        if value and amount is None and any(c.isdigit() for c in value):
            remarks.append("the value is no certain number and was kept as text")
        parts = (patient_id, code, name, cell["date"], value, cell.get("unit", ""))
        span = ReferenceRange(low.value if low else None, high.value if high else None)
        return Observation(
            id=RecordId(record_id("observation", *parts)),
            patient_id=patient_id,
            label=name or code,
            codings=(Coding("http://loinc.org", code, name),) if code else (),
            effective_at=cell["date"],
            quantity=replace(amount, unit=cell.get("unit", "")) if amount else None,
            value_text="" if amount else value,
            reference_range=span if low or high else None,
        )


def _note(text: str, cell: Row, patient_id: PatientId) -> Note:
    made = Note(NoteId(""), patient_id, text, cell.get("title", ""), cell["date"])
    identity = record_id("note", patient_id, made.written_at, made.sha256)
    return Note(NoteId(identity), patient_id, text, made.title, made.written_at)


def _condition(cell: Row, patient_id: PatientId) -> Condition:
    code, name = cell.get("condition_code", ""), cell.get("condition", "")
    identity = RecordId(record_id("condition", patient_id, code, name, cell["date"]))
    coding = (Coding("", code, name),) if code else ()
    return Condition(
        identity, patient_id, name or code, coding, onset=cell["onset"], recorded_at=cell["date"]
    )

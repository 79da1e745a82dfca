"""Reads any supported file into items; pure parsing, no database."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from app.clinical.ids import NoteId, PatientId, record_id
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.errors import ImportRefused
from app.exchange.ccda import ccda_resources
from app.exchange.fhir_reader import learn_references, learn_resources, read_fhir, read_resources
from app.exchange.fhir_stream import PlacedResource, json_lines, looks_like_ndjson
from app.exchange.hl7v2 import hl7v2_resources
from app.exchange.item import ImportedItem, ReadLimits
from app.exchange.phenopacket import is_packet_group, is_phenopacket, packets_in, read_phenopacket
from app.exchange.reference_table import ReferenceTable
from app.exchange.rtf_text import rtf_text
from app.exchange.source_file import SourceFile, kind_of
from app.exchange.strict_json import load_json, storable_text
from app.exchange.table import SOMEBODY_ELSES, read_table

TWO_OF_ONE_NAME = (
    "another text of this import has the same name, and may be of another patient; "
    "name each after its patient, or say --patient-id"
)
ODD_NAME = "its name, which says whose it is, can't be kept as text; rename it, or say --patient-id"
EXPORT = "export it as FHIR R4 JSON"
_UNPACK = "unpack it, or pack it as zip or gzip"
_REMEDIES = {
    "PDF": "export its text",
    "a picture": "export the report that goes with it",
    "an old Office document": "save a table as CSV (UTF-8), a letter as plain text",
    **dict.fromkeys(("a packed file inside another", "a 7-Zip archive", "a RAR archive"), _UNPACK),
    **dict.fromkeys(("a bzip2 file", "an xz file", "a Zstandard file"), _UNPACK),
    "a database": "export its tables as CSV",
}


class DocumentReader(Protocol):
    """Turns a whole file of another format into FHIR resources."""

    def __call__(self, data: bytes, *, name: str) -> Iterator[PlacedResource]: ...


DOCUMENTS: dict[str, DocumentReader] = {"C-CDA": ccda_resources, "HL7 v2": hl7v2_resources}


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How to read: limits, a column map for tables, whose a plain text is, and known references.

    `patient_system` is the system whose numbers tables and texts give their patients (else they are of their
    own); `texts` remembers which file stands for which patient.
    """

    limits: ReadLimits = field(default_factory=ReadLimits)
    column_map: dict[str, str] | None = None
    patient_id: str = ""
    patient_system: str = ""
    references: ReferenceTable = field(default_factory=ReferenceTable)
    texts: dict[str, str] = field(default_factory=dict)


def learn(file: SourceFile, plan: ReadPlan) -> Iterator[None]:
    """The first pass: learn what references lead to, a step for each resource. Raises ImportRefused.

    It reads the whole file, so that one which is cut or damaged is refused before anything of it is stored.
    """
    kind = kind_of(file)
    if kind == "json" and _packets(file, plan) is None:
        yield from learn_references(
            file.open, plan.references, name=file.name, limits=plan.limits, scope=file.scope
        )
    elif kind == "table":
        yield from (None for _ in _table(file, plan))
    elif kind in DOCUMENTS:
        found = DOCUMENTS[kind](file.read(plan.limits), name=file.name)
        yield from learn_resources(found, plan.references, file.scope)


def read_records(file: SourceFile, plan: ReadPlan) -> Iterator[ImportedItem]:
    """The second pass: items of one file. Raises ImportRefused."""
    kind = kind_of(file)
    if kind == "json":
        packets = _packets(file, plan)
        if packets is None:
            yield from read_fhir(
                file.open, plan.references, name=file.name, limits=plan.limits, scope=file.scope
            )
        for packet in packets or ():
            yield _packet_item(packet)
    elif kind == "table":
        yield from _table(file, plan)
    elif kind in ("text", "rtf"):
        yield _text_note(file, plan, kind)
    elif kind in DOCUMENTS:
        found = DOCUMENTS[kind](file.read(plan.limits), name=file.name)
        yield from read_resources(found, plan.references, file.scope)
    else:
        raise ImportRefused(_refusal(file.name, kind))


def _table(file: SourceFile, plan: ReadPlan) -> Iterator[ImportedItem]:
    whose = partial(_owner, plan)
    return read_table(file.read(plan.limits), name=file.name, column_map=plan.column_map, whose=whose)


def _owner(plan: ReadPlan, patient: Patient) -> Patient | None:
    """The patient of a table or a text, who may be known by the same number already."""
    return plan.references.numbered(patient, plan.patient_system) if plan.patient_system else patient


@dataclass(frozen=True, slots=True)
class _Packet:
    """A phenopacket and its place, or why a line is none."""

    place: str
    value: dict[str, object] | None
    problem: str = ""


def _packet_item(packet: _Packet) -> ImportedItem:
    if packet.value is None:
        return ImportedItem("unknown", packet.place, skipped=packet.problem)
    return read_phenopacket(packet.value, place=packet.place)


def _packets(file: SourceFile, plan: ReadPlan) -> list[_Packet] | None:
    """The phenopackets of a JSON file, or None where it holds FHIR (or is too large to be one)."""
    with file.open() as stream:
        data = stream.read(plan.limits.largest_document + 1)
    if not data.strip():
        raise ImportRefused(f"{file.name}: the file is empty; export it again")
    if len(data) > plan.limits.largest_document:
        return None
    if looks_like_ndjson(data, name=file.name):
        return _packet_lines(data, file, plan)
    if b'"resourceType"' in data[:65536]:
        return None
    value = load_json(data, name=file.name, largest=plan.limits.largest_document)
    if not (is_phenopacket(value) or is_packet_group(value)):
        return None
    return [_Packet(f"packet {n}", packet) for n, packet in enumerate(packets_in(value))]


def _packet_lines(data: bytes, file: SourceFile, plan: ReadPlan) -> list[_Packet] | None:
    """A packet a line, told from FHIR by the first line that can be read."""
    found: list[_Packet] = []
    for number, value, problem in json_lines(io.BytesIO(data), name=file.name, limits=plan.limits):
        packets = packets_in(value) if isinstance(value, (dict, list)) else []
        if not packets and isinstance(value, dict) and not any(p.value for p in found):
            return None
        reason = problem or "no phenopacket"
        place = f"line {number}"
        found += [_Packet(place, packet) for packet in packets] or [_Packet(place, None, reason)]
    return found if any(p.value for p in found) else None


def _text_note(file: SourceFile, plan: ReadPlan, kind: str) -> ImportedItem:
    raw = file.read(plan.limits)
    try:
        text = rtf_text(raw.decode("latin-1")) if kind == "rtf" else raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{file.name}: not UTF-8 (byte {error.start}); convert it to UTF-8") from error
    if not text.strip():
        return ImportedItem("text", "file", skipped="the file is empty")
    if "\0" in text:
        raise ImportRefused(f"{file.name}: holds NUL characters; it is no text")
    whose = plan.patient_id or file.stem
    if whose != storable_text(whose):
        return ImportedItem("text", "file", skipped=ODD_NAME)
    if not plan.patient_id and plan.texts.setdefault(whose, file.scope) != file.scope:
        return ImportedItem("text", "file", skipped=TWO_OF_ONE_NAME)
    bare = Patient(PatientId(record_id("table", whose)), whose, identifiers=(Identifier("", whose),))
    patient = _owner(plan, bare)
    if patient is None:
        return ImportedItem("text", "file", skipped=SOMEBODY_ELSES)
    note = Note(NoteId(""), patient.id, text, "Text")
    identity = NoteId(record_id("note", patient.id, "", note.sha256))
    return ImportedItem("text", "file", (patient, replace(note, id=identity)))


def _refusal(name: str, kind: str) -> str:
    if kind == "unknown":
        known = "FHIR R4 JSON or NDJSON, phenopacket, C-CDA, HL7 v2, .csv, .tsv, .txt, .rtf"
        return f"{name}: not a format this program reads ({known}); export it as one, or name it so"
    return f"{name}: this is {kind}, which this version does not read; {_REMEDIES.get(kind, EXPORT)}"

"""Reads any supported file into items; pure parsing, no database."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.clinical.ids import NoteId, PatientId, record_id
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.errors import ImportRefused
from app.exchange.fhir_reader import ReferenceTable, learn_references, read_fhir
from app.exchange.fhir_stream import looks_like_ndjson
from app.exchange.item import ImportedItem, ReadLimits
from app.exchange.phenopacket import is_packet_group, is_phenopacket, packets_in, read_phenopacket
from app.exchange.source_file import SourceFile, kind_of
from app.exchange.strict_json import load_json
from app.exchange.table import read_table


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How to read: limits, a column map for tables, whose a plain text is, and known references."""

    limits: ReadLimits = field(default_factory=ReadLimits)
    column_map: dict[str, str] | None = None
    patient_id: str = ""
    references: ReferenceTable = field(default_factory=ReferenceTable)


def learn(file: SourceFile, plan: ReadPlan) -> None:
    """The first pass: learn what references lead to."""
    if kind_of(file) == "json" and not _packets(file, plan):
        learn_references(file.open, plan.references, name=file.name, limits=plan.limits)


def read_records(file: SourceFile, plan: ReadPlan) -> Iterator[ImportedItem]:
    """The second pass: items of one file. Raises ImportRefused."""
    kind = kind_of(file)
    if kind == "json":
        packets = _packets(file, plan)
        if packets is None:
            yield from read_fhir(file.open, plan.references, name=file.name, limits=plan.limits)
        for number, packet in enumerate(packets or ()):
            yield read_phenopacket(packet, name=file.name, place=f"packet {number}")
    elif kind == "table":
        yield from read_table(file.read(plan.limits), name=file.name, column_map=plan.column_map)
    elif kind == "text":
        yield _text_note(file, plan)
    else:
        raise ImportRefused(_refusal(file.name, kind))


def _packets(file: SourceFile, plan: ReadPlan) -> list[dict[str, object]] | None:
    """The phenopackets of a JSON file, or None where it holds FHIR (or is too large to be one)."""
    try:
        with file.open() as stream:
            data = stream.read(plan.limits.largest_document + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise ImportRefused(f"{file.name}: the compressed file is cut or damaged; send it again") from error
    if not data.strip():
        raise ImportRefused(f"{file.name}: the file is empty; export it again")
    if len(data) > plan.limits.largest_document:
        return None
    if looks_like_ndjson(data):
        lines = [line for line in data.splitlines() if line.strip()]
        if b'"resourceType"' in lines[0]:
            return None
        values = [load_json(line, name=f"{file.name}, line {i}") for i, line in enumerate(lines, 1)]
        packets = [p for value in values for p in packets_in(value)]
        return packets or None
    if b'"resourceType"' in data[:65536]:
        return None
    value = load_json(data, name=file.name, largest=plan.limits.largest_document)
    return packets_in(value) if is_phenopacket(value) or is_packet_group(value) else None


def _text_note(file: SourceFile, plan: ReadPlan) -> ImportedItem:
    try:
        text = file.read(plan.limits).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{file.name}: not UTF-8 (byte {error.start}); convert it to UTF-8") from error
    if not text.strip():
        return ImportedItem("text", "file", skipped="the file is empty")
    if "\0" in text:
        raise ImportRefused(f"{file.name}: holds NUL characters; it is no text")
    whose = plan.patient_id or file.name.rsplit(":", 1)[-1].split(".")[0]
    patient_id = PatientId(record_id("table", whose))
    patient = Patient(patient_id, whose, identifiers=(Identifier("", whose),))
    note = Note(NoteId(""), patient_id, text)
    identity = NoteId(record_id("note", patient_id, "", note.sha256))
    return ImportedItem("text", "file", (patient, Note(identity, patient_id, text, "Text")))


def _refusal(name: str, kind: str) -> str:
    if kind == "unknown":
        return f"{name}: not a format this program reads (FHIR R4 JSON, NDJSON, phenopacket, CSV, TSV, text)"
    return f"{name}: this is {kind}, which this version does not read; export it as FHIR R4 JSON"

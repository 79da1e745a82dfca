"""Reads FHIR R4 files into items: two passes, so that a reference may point forwards.

The first pass learns which URL or `Type/id` names which patient or encounter; the second makes
nouns. Ids come from the patient's own number where there is one, else from the resource's own id,
so that the same person exported twice stays one.
"""

import re
from collections.abc import Iterable, Iterator

from app.clinical.ids import EncounterId, PatientId, RecordId, record_id
from app.exchange.fhir_context import Context
from app.exchange.fhir_fields import Fields, Json, string
from app.exchange.fhir_patient import read_patient
from app.exchange.fhir_resource import READERS, clinical_records
from app.exchange.fhir_stream import Opener, PlacedResource, is_small, resources_of
from app.exchange.item import NO_PATIENT, NOT_CLINICAL, UNNAMED, ImportedItem, ReadLimits
from app.exchange.reference_table import BY_IDENTIFIER, AmbiguousReference, ReferenceTable, own_id_of

_KIND = re.compile(r"[A-Z][A-Za-z]{1,39}")
SET_APART = "another patient carries the same number, name and birth date differ: filed as two; check them"
AMBIGUOUS = (
    "two patients or records of this import are called what it refers to; import their files one by one"
)


def learn_references(
    opener: Opener, table: ReferenceTable, *, name: str, limits: ReadLimits, scope: str = ""
) -> Iterator[None]:
    """The first pass over one file, a step for each resource."""
    yield from learn_resources(resources_of(opener, name=name, limits=limits), table, scope or name)


def learn_resources(found: Iterable[PlacedResource], table: ReferenceTable, scope: str) -> Iterator[None]:
    """The first pass over resources of one origin."""
    for placed in found:
        table.learn(placed, scope)
        yield


def read_fhir(
    opener: Opener, table: ReferenceTable, *, name: str, limits: ReadLimits, scope: str = ""
) -> Iterator[ImportedItem]:
    """The second pass: patients first, then what is theirs; a file too large for memory in its own order."""
    found = resources_of(opener, name=name, limits=limits)
    if is_small(opener, limits):
        found = iter(sorted(found, key=lambda placed: not _is_patient(placed)))
    yield from read_resources(found, table, scope or name)


def read_resources(
    found: Iterable[PlacedResource], table: ReferenceTable, scope: str
) -> Iterator[ImportedItem]:
    """The second pass over resources of one origin."""
    for placed in found:
        yield (_patient_item if _is_patient(placed) else _item)(placed, table, scope)


def _is_patient(placed: PlacedResource) -> bool:
    return not placed.problem and placed.resource.get("resourceType") == "Patient"


def _patient_item(placed: PlacedResource, table: ReferenceTable, scope: str) -> ImportedItem:
    own = table.placed_patient(placed, scope)
    patient, remarks = read_patient(placed.resource, own)
    before = (placed.remark, SET_APART if own in table.set_apart else "")
    return ImportedItem("Patient", placed.place, (patient,), remarks=(*filter(None, before), *remarks))


def _item(placed: PlacedResource, table: ReferenceTable, scope: str) -> ImportedItem:
    resource = placed.resource
    kind = str(resource.get("resourceType"))
    shown = kind if _KIND.fullmatch(kind) else "unknown"
    if placed.problem:
        return ImportedItem(shown, placed.place, skipped=placed.problem)
    if kind not in READERS:
        return ImportedItem(shown, placed.place, skipped=NOT_CLINICAL)
    try:
        return _clinical_item(placed, table, scope, kind)
    except AmbiguousReference:
        return ImportedItem(kind, placed.place, skipped=AMBIGUOUS)


def _clinical_item(placed: PlacedResource, table: ReferenceTable, scope: str, kind: str) -> ImportedItem:
    fields = Fields(placed.resource)
    patient = _whose(fields, placed.resource, table, scope)
    if patient is None:
        return ImportedItem(kind, placed.place, skipped=NO_PATIENT)
    visit = table.encounter(fields.reference("encounter", "context") or _context_encounter(fields))
    context = Context(
        # An id that only counts inside its file ("1") must not meet another patient's.
        RecordId(record_id(own_id_of(placed), patient)),
        PatientId(patient),
        EncounterId(record_id(visit, patient)) if visit and kind != "Encounter" else None,
        table.people.get(patient) or table.known.get(patient),
        lambda reference: table.resource(reference, scope, placed.resource),
    )
    records, remarks, unread = clinical_records(placed.resource, context)
    if not records:
        return ImportedItem(kind, placed.place, skipped="; ".join(remarks) or "it holds nothing to read")
    if patient in table.unnamed:
        remarks = [UNNAMED, *remarks]
    return ImportedItem(kind, placed.place, records, remarks=tuple(remarks), unread=tuple(unread))


def _whose(fields: Fields, resource: Json, table: ReferenceTable, scope: str) -> str | None:
    """The patient: by reference, else by identifier, else by a name that nothing here answers to."""
    reference = fields.reference("subject", "patient")
    numbered = _logical_reference(fields)
    found = table.patient(reference, scope, resource) or table.patient(numbered, scope, resource)
    return found or table.unnamed_patient(numbered or _patient_only(fields, reference))


def _patient_only(fields: Fields, reference: str) -> str:
    """The reference, unless it says that it is to a group, a device or a place."""
    kinds = {string(fields.map(name), "type") for name in ("subject", "patient")} - {"", "Patient"}
    path = reference.split("/_history/")[0].split("/")
    named = path[-2] if len(path) > 1 else "Patient"
    if "?" in reference and not reference.startswith(BY_IDENTIFIER):
        return ""  # a search, which only the sender's server could answer
    return "" if kinds or (named != "Patient" and _KIND.fullmatch(named)) else reference


def _logical_reference(fields: Fields) -> str:
    """A reference by identifier alone (FHIR R4, 2.3.0.2)."""
    for name in ("subject", "patient"):
        identifier = fields.map(name).get("identifier")
        if string(identifier, "system") and string(identifier, "value"):
            return f"{BY_IDENTIFIER}{string(identifier, 'system')}|{string(identifier, 'value')}"
    return ""


def _context_encounter(fields: Fields) -> str:
    inner = Fields(fields.map("context")).maps("encounter")
    return string(inner[0], "reference") if inner else ""

"""Reads FHIR R4 files into items: two passes, so that a reference may point forwards.

The first pass learns which URL or `Type/id` names which patient or encounter; the second makes
nouns. Ids come from the patient's first identifier with a system where there is one, else from the
resource's own id, so that the same person exported twice stays one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from app.clinical.ids import PatientId, record_id
from app.clinical.patient import Identifier, Patient
from app.exchange.fhir_fields import Fields, string
from app.exchange.fhir_resource import READERS, Context, clinical_records, patient_of
from app.exchange.fhir_stream import Opener, PlacedResource, resources_of
from app.exchange.item import NO_PATIENT, NOT_CLINICAL, UNNAMED, ImportedItem, ReadLimits

Json = dict[str, Any]
BY_IDENTIFIER = "Patient?identifier="


@dataclass(slots=True)
class ReferenceTable:
    """Where references lead: patients and encounters by full URL, `Type/id` and identifier.

    `people` holds the patients themselves, since a record may come in an earlier file than its patient.
    """

    patients: dict[str, str] = field(default_factory=dict)
    people: dict[str, Patient] = field(default_factory=dict)
    encounters: dict[str, str] = field(default_factory=dict)
    unnamed: set[str] = field(default_factory=set)

    def learn(self, placed: PlacedResource) -> None:
        """Note a patient's or encounter's names."""
        if placed.problem:
            return
        kind = placed.resource.get("resourceType")
        if kind == "Patient":
            own = patient_id_of(placed)
            self.people[own] = patient_of(placed.resource, own)
            for name in _names(placed):
                self.patients[name] = own
            for identifier in Fields(placed.resource).maps("identifier"):
                key = f"{BY_IDENTIFIER}{string(identifier, 'system')}|{string(identifier, 'value')}"
                self.patients.setdefault(key, own)
        elif kind == "Encounter":
            for name in _names(placed):
                self.encounters[name] = own_id_of(placed)

    def patient(self, reference: str, contained: Json) -> str | None:
        """The id of the patient that a reference names."""
        return _found(self.patients, reference) or self._contained_patient(reference, contained)

    def unnamed_patient(self, reference: str) -> str | None:
        """A nameless patient to file records under whose patient resource was not sent."""
        if not reference or reference.startswith("#"):
            return None
        if reference.startswith(BY_IDENTIFIER):
            return self._identified(reference)
        known_as = "/".join(unquote(reference).split("/_history/")[0].split("/")[-2:])
        own = record_id("fhir", "Patient", known_as.removeprefix("Patient/"))
        self.patients[known_as] = own
        self.people[own] = Patient(PatientId(own), "", identifiers=(Identifier("", known_as),))
        self.unnamed.add(own)
        return own

    def _identified(self, reference: str) -> str:
        """The patient of an identifier, under the id that her own resource would get."""
        system, _, value = reference.removeprefix(BY_IDENTIFIER).partition("|")
        own = record_id("patient", system, value)
        self.people.setdefault(own, Patient(PatientId(own), "", identifiers=(Identifier(system, value),)))
        self.unnamed.add(own)
        return own

    def encounter(self, reference: str) -> str | None:
        """The id of the encounter that a reference names."""
        return _found(self.encounters, reference)

    def _contained_patient(self, reference: str, resource: Json) -> str | None:
        """A reference of the form `#id` to a contained patient that has a known identifier."""
        for inner in Fields(resource).maps("contained") if reference.startswith("#") else []:
            if inner.get("resourceType") == "Patient" and f"#{inner.get('id')}" == reference:
                own = patient_id_of(PlacedResource("contained", inner))
                self.people.setdefault(own, patient_of(inner, own))
                return own
        return None


def learn_references(opener: Opener, table: ReferenceTable, *, name: str, limits: ReadLimits) -> None:
    """The first pass over one file."""
    for placed in resources_of(opener, name=name, limits=limits):
        table.learn(placed)


def read_fhir(
    opener: Opener, table: ReferenceTable, *, name: str, limits: ReadLimits
) -> Iterator[ImportedItem]:
    """The second pass: patients of the file first, then what is theirs."""
    for placed in resources_of(opener, name=name, limits=limits):
        if placed.resource.get("resourceType") == "Patient":
            patient = patient_of(placed.resource, patient_id_of(placed))
            yield ImportedItem("Patient", placed.place, (patient,))
    for placed in resources_of(opener, name=name, limits=limits):
        if placed.resource.get("resourceType") != "Patient":
            yield _item(placed, table)


def patient_id_of(placed: PlacedResource) -> str:
    """A patient's id in the vault."""
    for identifier in Fields(placed.resource).maps("identifier"):
        system, value = string(identifier, "system"), string(identifier, "value")
        if system and value:
            return record_id("patient", system, value)
    return own_id_of(placed)


def own_id_of(placed: PlacedResource) -> str:
    """An id from the resource's type and own id, else its URL, else its content."""
    kind = str(placed.resource.get("resourceType"))
    own = placed.resource.get("id")
    name = own if isinstance(own, str) and own else placed.full_url
    return record_id("fhir", kind, name or repr(sorted(placed.resource.items(), key=lambda kv: kv[0])))


def _item(placed: PlacedResource, table: ReferenceTable) -> ImportedItem:
    resource = placed.resource
    kind = str(resource.get("resourceType"))
    if placed.problem:
        return ImportedItem(kind or "unknown", placed.place, skipped=placed.problem)
    if kind not in READERS:
        return ImportedItem(kind or "unknown", placed.place, skipped=NOT_CLINICAL)
    fields = Fields(resource)
    reference = fields.reference("subject", "patient") or _logical_reference(fields)
    patient = table.patient(reference, resource) or table.unnamed_patient(reference)
    if patient is None:
        return ImportedItem(kind, placed.place, skipped=NO_PATIENT)
    encounter = table.encounter(fields.reference("encounter", "context") or _context_encounter(fields))
    # An id that only counts inside its file ("1") must not meet another patient's.
    context = Context(record_id(own_id_of(placed), patient), patient, encounter)
    if kind == "Encounter":
        context = Context(own_id_of(placed), patient, None)
    records, remarks = clinical_records(resource, context)
    if not records:
        return ImportedItem(kind, placed.place, skipped="; ".join(remarks) or "it holds nothing to read")
    if patient in table.unnamed:
        remarks = [UNNAMED, *remarks]
    return ImportedItem(kind, placed.place, records, remarks=tuple(remarks))


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


def _names(placed: PlacedResource) -> list[str]:
    kind, own = placed.resource.get("resourceType"), placed.resource.get("id")
    names = [placed.full_url] if placed.full_url else []
    if isinstance(own, str) and own:
        names += [f"{kind}/{own}", f"urn:uuid:{own}"]
    return names


def _found(table: dict[str, str], reference: str) -> str | None:
    """By the whole reference, by its last two parts, without a version."""
    if not reference:
        return None
    plain = unquote(reference).split("/_history/")[0]
    return table.get(plain) or table.get("/".join(plain.split("/")[-2:]))

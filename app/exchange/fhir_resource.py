"""Turns FHIR R4 resources into clinical nouns (hl7.org/fhir/R4, the resource pages of the names used)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.clinical.chart import ClinicalRecord
from app.clinical.ids import EncounterId, NoteId, PatientId, RecordId, record_id
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import (
    AllergyIntolerance,
    Condition,
    DiagnosticReport,
    Encounter,
    FamilyMemberHistory,
    MedicationRequest,
    Observation,
    Procedure,
)
from app.exchange.fhir_fields import (
    Fields,
    codings,
    label,
    period,
    quantity,
    reference_range,
    string,
)
from app.exchange.note_text import attachment_text, plain_text
from knowledge_graph.findings.finding import Sex

Json = dict[str, Any]
_SEX = {"female": Sex.FEMALE, "male": Sex.MALE, "other": Sex.OTHER}


class Context:
    """Whose a resource is: ids that its references lead to."""

    def __init__(self, own_id: str, patient_id: str, encounter_id: str | None):
        self.id = RecordId(own_id)
        self.patient_id = PatientId(patient_id)
        self.encounter_id = EncounterId(encounter_id) if encounter_id else None


def patient_of(resource: Json, patient_id: str) -> Patient:
    """A Patient."""
    f = Fields(resource)
    identifiers = tuple(
        Identifier(string(i, "system"), string(i, "value"))
        for i in f.maps("identifier")
        if string(i, "value")
    )
    return Patient(
        id=PatientId(patient_id),
        name=_name(f.maps("name")),
        birth_date=f.text("birthDate"),
        sex=_SEX.get(f.text("gender"), Sex.UNKNOWN),
        deceased_at=f.text("deceasedDateTime") if "deceasedDateTime" in resource else "",
        identifiers=identifiers,
    )


def clinical_records(resource: Json, context: Context) -> tuple[tuple[ClinicalRecord, ...], list[str]]:
    """(nouns, remarks) of any other resource that `READERS` names."""
    fields = Fields(resource)
    records, notes = READERS[str(resource["resourceType"])](fields, context)
    return records, [*(f"field {name} not read" for name in fields.remarks), *notes]


Read = tuple[tuple[ClinicalRecord, ...], list[str]]


def _encounter(f: Fields, c: Context) -> Read:
    start, end = period(f.map("period"))
    types = f.maps("type")
    kind = label(types[0]) if types else string(f.map("class"), "display") or string(f.map("class"), "code")
    reason = next((label(r) for r in f.maps("reasonCode") if label(r)), "")
    codes = codings(types[0]) if types else ()
    return (Encounter(EncounterId(c.id), c.patient_id, kind, start, end, reason, codes),), []


def _condition(f: Fields, c: Context) -> Read:
    onset = f.first_text("onsetDateTime", "onsetString") or period(f.map("onsetPeriod"))[0]
    return (
        Condition(
            id=c.id,
            patient_id=c.patient_id,
            label=label(f.map("code")),
            codings=codings(f.map("code")),
            encounter_id=c.encounter_id,
            onset=onset or f.text("recordedDate"),
            abatement=f.first_text("abatementDateTime", "abatementString"),
            clinical_status=_code(f.map("clinicalStatus")),
            verification_status=_code(f.map("verificationStatus")),
        ),
    ), []


def _observation(f: Fields, c: Context) -> Read:
    """The observation and its components, each an Observation of its own."""
    whole = Observation(
        id=c.id,
        patient_id=c.patient_id,
        label=label(f.map("code")),
        codings=codings(f.map("code")),
        encounter_id=c.encounter_id,
        effective_at=f.first_text("effectiveDateTime", "effectiveInstant")
        or period(f.map("effectivePeriod"))[0]
        or f.text("issued"),
        quantity=quantity(f.map("valueQuantity")),
        value_text=_value_text(f),
        reference_range=reference_range(f.maps("referenceRange")),
        interpretation=next((_code(i) for i in f.maps("interpretation")), ""),
        status=f.text("status"),
    )
    parts = []
    for number, component in enumerate(f.maps("component")):
        p = Fields(component)
        parts.append(
            replace(
                whole,
                id=RecordId(record_id("component", c.id, str(number))),
                label=label(p.map("code")),
                codings=codings(p.map("code")),
                quantity=quantity(p.map("valueQuantity")),
                value_text=_value_text(p),
                reference_range=reference_range(p.maps("referenceRange")),
                interpretation=next((_code(i) for i in p.maps("interpretation")), ""),
            )
        )
    return (whole, *parts), []


def _report(f: Fields, c: Context) -> Read:
    when = f.text("effectiveDateTime") or period(f.map("effectivePeriod"))[0] or f.text("issued")
    title = label(f.map("code"))
    report = DiagnosticReport(
        id=c.id,
        patient_id=c.patient_id,
        label=title,
        codings=codings(f.map("code")),
        encounter_id=c.encounter_id,
        issued_at=when,
        conclusion=f.text("conclusion"),
    )
    notes, remarks = _attached(f.maps("presentedForm"), c, title=title, when=when)
    return (report, *notes), remarks


def _document(f: Fields, c: Context) -> Read:
    attachments = [content.get("attachment") for content in f.maps("content")]
    title = label(f.map("type")) or f.text("description")
    notes, remarks = _attached(attachments, c, title=title, when=f.text("date"))
    return tuple(notes), remarks


def _composition(f: Fields, c: Context) -> Read:
    """A document's narrative: one note, each section under its title."""
    parts: list[str] = []
    _sections(f.maps("section"), parts)
    text = "\n\n".join(parts)
    if not text.strip():
        return (), ["no section has a narrative"]
    title = f.text("title") or label(f.map("type"))
    return (_note(text, c, title=title, when=f.text("date")),), []


def _medication(f: Fields, c: Context) -> Read:
    concept = f.map("medicationCodeableConcept")
    name = label(concept) or string(f.map("medicationReference"), "display")
    when = f.text("authoredOn") or f.text("effectiveDateTime") or period(f.map("effectivePeriod"))[0]
    dosage = next((string(d, "text") for d in (*f.maps("dosageInstruction"), *f.maps("dosage"))), "")
    return (
        MedicationRequest(
            c.id, c.patient_id, name, codings(concept), c.encounter_id, when, f.text("status"), dosage
        ),
    ), []


def _allergy(f: Fields, c: Context) -> Read:
    reactions = tuple(
        label(m) for r in f.maps("reaction") for m in Fields(r).maps("manifestation") if label(m)
    )
    return (
        AllergyIntolerance(
            id=c.id,
            patient_id=c.patient_id,
            label=label(f.map("code")),
            codings=codings(f.map("code")),
            encounter_id=c.encounter_id,
            recorded_at=f.first_text("recordedDate", "onsetDateTime"),
            criticality=f.text("criticality"),
            reactions=reactions,
        ),
    ), []


def _procedure(f: Fields, c: Context) -> Read:
    when = f.text("performedDateTime") or period(f.map("performedPeriod"))[0]
    code = f.map("code")
    return (
        Procedure(c.id, c.patient_id, label(code), codings(code), c.encounter_id, when, f.text("status")),
    ), []


def _family(f: Fields, c: Context) -> Read:
    conditions = tuple(label(x.get("code")) for x in f.maps("condition") if label(x.get("code")))
    deceased = f.flag("deceasedBoolean")
    relation = f.map("relationship")
    return (
        FamilyMemberHistory(c.id, c.patient_id, label(relation), conditions, codings(relation), deceased),
    ), []


READERS: dict[str, Callable[[Fields, Context], Read]] = {
    "Encounter": _encounter,
    "Condition": _condition,
    "Observation": _observation,
    "DiagnosticReport": _report,
    "DocumentReference": _document,
    "Composition": _composition,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "AllergyIntolerance": _allergy,
    "Procedure": _procedure,
    "FamilyMemberHistory": _family,
}


def _attached(attachments: list[Any], c: Context, *, title: str, when: str) -> tuple[list[Note], list[str]]:
    notes, remarks = [], []
    for attachment in attachments:
        text, reason = attachment_text(attachment)
        if text:
            shown = string(attachment, "title") or title
            notes.append(_note(text, c, title=shown, when=when or string(attachment, "creation")))
        else:
            remarks.append(reason)
    return notes, remarks


def _note(text: str, c: Context, *, title: str, when: str) -> Note:
    """A note's id covers its text: a changed text is a new note, the old one stays as it was."""
    fresh = Note(NoteId(""), c.patient_id, text, title, when, c.encounter_id)
    return replace(fresh, id=NoteId(record_id("note", c.id, fresh.sha256)))


def _sections(sections: list[Json], parts: list[str]) -> None:
    for section in sections:
        f = Fields(section)
        text = plain_text(string(f.map("text"), "div"))
        if text:
            title = f.text("title")
            parts.append(f"{title}:\n{text}" if title else text)
        _sections(f.maps("section"), parts)


def _code(concept: Json) -> str:
    coded = codings(concept)
    return coded[0].code if coded and coded[0].code else label(concept)


def _value_text(f: Fields) -> str:
    number = f.number("valueInteger")
    if number is not None:
        return str(int(number))
    return f.first_text("valueString", "valueDateTime", "valueTime") or label(f.map("valueCodeableConcept"))


def _name(names: list[Json]) -> str:
    """The official name, else the first that is not old."""
    ordered = sorted(names, key=lambda n: (string(n, "use") == "old", string(n, "use") != "official"))
    for name in ordered:
        given = name.get("given")
        parts = [g for g in given if isinstance(g, str)] if isinstance(given, list) else []
        shown = string(name, "text") or " ".join([*parts, string(name, "family")]).strip()
        if shown:
            return shown
    return ""

"""Turns FHIR R4 resources into clinical nouns (hl7.org/fhir/R4, the resource pages of the names used)."""

from collections.abc import Callable
from dataclasses import replace

from app.clinical.chart import ClinicalRecord
from app.clinical.ids import EncounterId, RecordId, record_id
from app.clinical.record import (
    WITHDRAWN,
    AllergyIntolerance,
    Condition,
    DiagnosticReport,
    Encounter,
    FamilyMemberHistory,
    MedicationRequest,
    Observation,
    Procedure,
)
from app.exchange.fhir_context import Context, Read
from app.exchange.fhir_document import (
    attached_notes,
    author_of,
    narrative_of,
    note_of,
    read_composition,
    read_document,
)
from app.exchange.fhir_fields import Fields, Json, code_of, codings, label, period, string
from app.exchange.fhir_time import age_or_range, onset_of
from app.exchange.fhir_value import interpretation, observed_value, reference_range

UNKNOWN_MODIFIER = "it carries a modifier that this program does not know, so its meaning is not certain"
LONGEST_LABEL = 300


def clinical_records(
    resource: Json, context: Context
) -> tuple[tuple[ClinicalRecord, ...], list[str], list[str]]:
    """(nouns, remarks, names of fields that are not read) of a resource that `READERS` names."""
    fields = Fields(resource)
    if fields.has("modifierExtension"):
        return (), [UNKNOWN_MODIFIER], []
    fields.has("identifier", "subject", "patient", "encounter", "context")
    records, notes = READERS[str(resource["resourceType"])](fields, context)
    return records, [*(f"field {name} not read" for name in fields.remarks), *notes], fields.unread()


def _named(f: Fields, concept: Json) -> str:
    """A label; where nothing is coded, the narrative that a person would read."""
    return label(concept) or " ".join(narrative_of(f).split())[:LONGEST_LABEL]


def _encounter(f: Fields, c: Context) -> Read:
    start, end = period(f.map("period"))
    types = f.maps("type")
    kind = label(types[0]) if types else string(f.map("class"), "display") or string(f.map("class"), "code")
    f.has("class")
    reason = next((label(r) for r in f.maps("reasonCode") if label(r)), "")
    codes = codings(types[0]) if types else ()
    return (
        Encounter(EncounterId(c.id), c.patient_id, kind, start, end, reason, codes, f.text("status")),
    ), []


def _condition(f: Fields, c: Context) -> Read:
    code = f.map("code")
    return (
        Condition(
            id=c.id,
            patient_id=c.patient_id,
            label=_named(f, code),
            codings=codings(code),
            encounter_id=c.encounter_id,
            onset=onset_of(f, "onset", c.patient),
            abatement=onset_of(f, "abatement", c.patient),
            clinical_status=code_of(f.map("clinicalStatus")),
            verification_status=code_of(f.map("verificationStatus")),
            recorded_at=f.text("recordedDate"),
        ),
    ), []


def _observation(f: Fields, c: Context) -> Read:
    """The observation and its components, each an Observation of its own."""
    amount, text = observed_value(f)
    dated = period(f.map("effectivePeriod"))[0]
    whole = Observation(
        id=c.id,
        patient_id=c.patient_id,
        label=_named(f, f.map("code")),
        codings=codings(f.map("code")),
        encounter_id=c.encounter_id,
        effective_at=f.first_text("effectiveDateTime", "effectiveInstant") or dated or f.text("issued"),
        quantity=amount,
        value_text=text,
        reference_range=reference_range(f.maps("referenceRange"), amount, c.patient),
        interpretation=interpretation(f.maps("interpretation")),
        status=f.text("status"),
    )
    parts = [_component(Fields(p), whole, n, c) for n, p in enumerate(f.maps("component"))]
    unread = sorted({f"field {name} not read" for p in parts for name in p[1]})
    return (whole, *(p[0] for p in parts)), unread


def _component(p: Fields, whole: Observation, number: int, c: Context) -> tuple[Observation, list[str]]:
    amount, text = observed_value(p)
    part = replace(
        whole,
        id=RecordId(record_id("component", c.id, str(number))),
        label=label(p.map("code")),
        codings=codings(p.map("code")),
        quantity=amount,
        value_text=text,
        reference_range=reference_range(p.maps("referenceRange"), amount, c.patient),
        interpretation=interpretation(p.maps("interpretation")),
    )
    return part, p.remarks


def _report(f: Fields, c: Context) -> Read:
    """The report, and its text: what is attached, else its conclusion."""
    when = f.text("effectiveDateTime") or period(f.map("effectivePeriod"))[0] or f.text("issued")
    title, status, said = _named(f, f.map("code")), f.text("status"), f.text("conclusion")
    found = "; ".join(filter(None, (label(code) for code in f.maps("conclusionCode"))))
    report = DiagnosticReport(
        id=c.id,
        patient_id=c.patient_id,
        label=title,
        codings=codings(f.map("code")),
        encounter_id=c.encounter_id,
        issued_at=when,
        conclusion=": ".join(filter(None, (said, found))) if said != found else said,
        status=status,
    )
    f.has("result")
    attachments = f.maps("presentedForm")
    if status == WITHDRAWN:
        return (report,), []
    author = author_of(f, "performer")
    notes, remarks = attached_notes(attachments, c, title=title, when=when, author=author)
    if not notes and said:
        notes = (note_of(said, c, title=title, when=when, author=author),)
    return (report, *notes), remarks


def _medication(f: Fields, c: Context) -> Read:
    concept, target = f.map("medicationCodeableConcept"), f.map("medicationReference")
    concept = concept or (c.resource(string(target, "reference")) or {})
    name = label(concept) or string(target, "display") or _named(f, {})
    if f.flag("doNotPerform"):
        name = f"not to be given: {name}"
    when = f.text("authoredOn") or f.text("effectiveDateTime") or period(f.map("effectivePeriod"))[0]
    when = when or f.text("dateAsserted")
    dosages = [*f.maps("dosageInstruction"), *f.maps("dosage")]
    dosage = "; ".join(filter(None, (string(d, "text") or string(d, "patientInstruction") for d in dosages)))
    made = MedicationRequest(
        c.id, c.patient_id, name, codings(concept), c.encounter_id, when, f.text("status"), dosage
    )
    return (made,), [] if name else ["it does not name its medication"]


def _allergy(f: Fields, c: Context) -> Read:
    reactions = f.maps("reaction")
    shown = [label(m) for r in reactions for m in Fields(r).maps("manifestation")]
    code = f.map("code") or next(
        (r["substance"] for r in reactions if isinstance(r.get("substance"), dict)), {}
    )
    name = _named(f, code)
    if not name:
        return (), ["it does not name what the allergy is to"]
    return (
        AllergyIntolerance(
            id=c.id,
            patient_id=c.patient_id,
            label=name,
            codings=codings(code),
            encounter_id=c.encounter_id,
            recorded_at=f.text("recordedDate") or f.text("onsetDateTime"),
            criticality=f.text("criticality"),
            reactions=tuple(filter(None, shown)),
            clinical_status=code_of(f.map("clinicalStatus")),
            verification_status=code_of(f.map("verificationStatus")),
        ),
    ), []


def _procedure(f: Fields, c: Context) -> Read:
    when = onset_of(f, "performed", c.patient)
    code = f.map("code")
    return (
        Procedure(c.id, c.patient_id, _named(f, code), codings(code), c.encounter_id, when, f.text("status")),
    ), []


def _family(f: Fields, c: Context) -> Read:
    """A relative; a condition's text tells at what age it began."""
    conditions = []
    for entry in f.maps("condition"):
        name, began = label(entry.get("code")), age_or_range(Fields(entry), "onset")
        if name:
            conditions.append(f"{name} (from {began})" if began else name)
    deceased = f.flag("deceasedBoolean")
    deceased |= f.has("deceasedAge", "deceasedRange", "deceasedDate", "deceasedString")
    relation = f.map("relationship")
    made = FamilyMemberHistory(
        c.id,
        c.patient_id,
        label(relation) or f.text("name"),
        tuple(conditions),
        codings(relation),
        deceased,
        f.text("status"),
    )
    return (made,), []


READERS: dict[str, Callable[[Fields, Context], Read]] = {
    "Encounter": _encounter,
    "Condition": _condition,
    "Observation": _observation,
    "DiagnosticReport": _report,
    "DocumentReference": read_document,
    "Composition": read_composition,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "AllergyIntolerance": _allergy,
    "Procedure": _procedure,
    "FamilyMemberHistory": _family,
}

"""What a phenopacket measured and what was done: values, treatments, procedures."""

from typing import Any

from app.clinical.ids import RecordId, record_id
from app.clinical.patient import Patient
from app.clinical.record import Coding, MedicationRequest, Observation, Procedure, Quantity, ReferenceRange
from app.exchange.fhir_fields import Fields, Json, finite, string
from app.exchange.phenopacket_time import told_time

_SYSTEMS = {"LOINC": "http://loinc.org"}


def measurements(f: Fields, patient: Patient, remarks: list[str]) -> list[Observation]:
    """Each measured quantity or class, typed quantities of a complex value one by one."""
    found: list[Observation] = []
    for entry in f.maps("measurements"):
        when = told_time(entry.get("timeObserved"), patient.birth_date)
        single = Fields(entry).map("value")
        parts = [(entry.get("assay"), single)] if single else []
        typed = Fields(Fields(entry).map("complexValue")).maps("typedQuantities")
        parts += [(part.get("type"), {"quantity": part.get("quantity")}) for part in typed]
        made = [_observation(assay, value, patient, when) for assay, value in parts]
        found += [observation for observation in made if observation]
        if not any(made):
            remarks.append("a measurement without a readable value was left out")
    return found


def medical_actions(f: Fields, patient: Patient) -> list[MedicationRequest | Procedure]:
    """Treatments as medications, procedures as procedures."""
    found: list[MedicationRequest | Procedure] = []
    for entry in f.maps("medicalActions"):
        action = Fields(entry)
        procedure, treatment = action.map("procedure"), action.map("treatment")
        code, agent = procedure.get("code"), treatment.get("agent")
        if string(code, "id") or string(code, "label"):
            when = told_time(procedure.get("performed"), patient.birth_date)
            identity = RecordId(record_id("procedure", patient.id, string(code, "id"), when))
            found.append(
                Procedure(identity, patient.id, _label(code), _codings(code), None, when, "completed")
            )
        if string(agent, "id") or string(agent, "label"):
            identity = RecordId(record_id("treatment", patient.id, string(agent, "id"), _label(agent)))
            found.append(MedicationRequest(identity, patient.id, _label(agent), _codings(agent)))
    return found


def _observation(assay: Any, value: Json, patient: Patient, when: str) -> Observation | None:
    quantity, chosen = value.get("quantity"), value.get("ontologyClass")
    amount = finite(quantity.get("value")) if isinstance(quantity, dict) else None
    unit = _label(quantity.get("unit")) if isinstance(quantity, dict) else ""
    span = Fields(quantity if isinstance(quantity, dict) else {}).map("referenceRange")
    if amount is None and not _label(chosen):
        return None
    low, high = finite(span.get("low")), finite(span.get("high"))
    parts = (string(assay, "id"), _label(assay), when, str(amount), _label(chosen))
    return Observation(
        id=RecordId(record_id("measurement", patient.id, *parts)),
        patient_id=patient.id,
        label=_label(assay),
        codings=_codings(assay),
        effective_at=when,
        quantity=Quantity(amount, unit) if amount is not None else None,
        value_text=_label(chosen),
        reference_range=ReferenceRange(low, high) if span and (low, high) != (None, None) else None,
    )


def _label(term: Any) -> str:
    return string(term, "label") or string(term, "id")


def _codings(term: Any) -> tuple[Coding, ...]:
    """`LOINC:718-7` in the system that other formats name; other prefixes stay."""
    prefix, _, code = string(term, "id").partition(":")
    if not code:
        return ()
    system = _SYSTEMS.get(prefix, prefix)
    return (Coding(system, code if prefix in _SYSTEMS else f"{prefix}:{code}", string(term, "label")),)

"""Writes a chart as a FHIR R4 transaction bundle: what a hospital system would have sent.

Times, ids and texts are taken as they stand; notes become `DocumentReference` attachments in
base64 (FHIR R4, sections 10.3 and 2.24.0.9).
"""

import base64
from typing import Any

from app.clinical.chart import Chart
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import WITHDRAWN, Coding, Condition, Encounter, Observation
from knowledge_graph.findings.finding import Sex

_GENDER = {Sex.FEMALE: "female", Sex.MALE: "male", Sex.OTHER: "other", Sex.UNKNOWN: "unknown"}
_CODE_SYSTEMS = "http://terminology.hl7.org/CodeSystem"

Json = dict[str, Any]


def transaction_bundle(chart: Chart) -> Json:
    """A `Bundle` of type transaction with the patient, encounters, conditions, values and notes."""
    resources = [
        _patient(chart.patient),
        *(_encounter(encounter) for encounter in chart.encounters),
        *(_condition(condition) for condition in chart.conditions),
        *(_observation(observation) for observation in chart.observations),
        *(_document(note) for note in (*chart.notes, *chart.notes_in_error)),
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": [_entry(r) for r in resources]}


def _entry(resource: Json) -> Json:
    kind = resource["resourceType"]
    return {
        "fullUrl": f"urn:uuid:{resource['id']}",
        "resource": resource,
        "request": {"method": "POST", "url": kind},
    }


def _patient(patient: Patient) -> Json:
    given, _, family = patient.name.rpartition(" ")
    return _without_empty(
        {
            "resourceType": "Patient",
            "id": patient.id,
            "identifier": [{"system": i.system, "value": i.value} for i in patient.identifiers],
            "name": [{"family": family, "given": given.split()}] if given else [{"text": patient.name}],
            "gender": _GENDER[patient.sex],
            "birthDate": patient.birth_date,
        }
    )


def _encounter(encounter: Encounter) -> Json:
    return _without_empty(
        {
            "resourceType": "Encounter",
            "id": encounter.id,
            "status": "finished",
            "class": {"system": f"{_CODE_SYSTEMS}/v3-ActCode", "code": "AMB"},
            "type": [{"text": encounter.kind}] if encounter.kind else [],
            "subject": _reference(encounter.patient_id),
            "period": _without_empty({"start": encounter.started_at, "end": encounter.ended_at}),
            "reasonCode": [{"text": encounter.reason}] if encounter.reason else [],
        }
    )


def _condition(condition: Condition) -> Json:
    return _without_empty(
        {
            "resourceType": "Condition",
            "id": condition.id,
            "clinicalStatus": _status("condition-clinical", condition.clinical_status),
            "verificationStatus": _status("condition-ver-status", condition.verification_status),
            "code": _concept(condition.codings, condition.label),
            "subject": _reference(condition.patient_id),
            "encounter": _reference(condition.encounter_id) if condition.encounter_id else {},
            "onsetDateTime": condition.onset,
        }
    )


def _observation(observation: Observation) -> Json:
    quantity, span = observation.quantity, observation.reference_range
    value: Json = {}
    if quantity is not None:
        value = _without_empty(
            {"value": quantity.value, "comparator": quantity.comparator, "unit": quantity.unit}
        )
    limits: Json = {}
    if span is not None:
        limits = {
            name: {"value": bound, "unit": quantity.unit if quantity else ""}
            for name, bound in (("low", span.low), ("high", span.high))
            if bound is not None
        }
    return _without_empty(
        {
            "resourceType": "Observation",
            "id": observation.id,
            "status": observation.status or "final",
            "code": _concept(observation.codings, observation.label),
            "subject": _reference(observation.patient_id),
            "encounter": _reference(observation.encounter_id) if observation.encounter_id else {},
            "effectiveDateTime": observation.effective_at,
            "valueQuantity": value,
            "valueString": observation.value_text,
            "referenceRange": [limits] if limits else [],
        }
    )


def _document(note: Note) -> Json:
    data = base64.b64encode(note.text.encode("utf-8")).decode("ascii")
    attachment = {"contentType": "text/plain; charset=utf-8", "data": data, "title": note.title}
    return _without_empty(
        {
            "resourceType": "DocumentReference",
            "id": note.id,
            "status": WITHDRAWN if note.in_error else "current",
            "type": {"text": note.title} if note.title else {},
            "subject": _reference(note.patient_id),
            "date": note.written_at,
            "author": [{"display": note.author}] if note.author else [],
            "content": [{"attachment": _without_empty(attachment)}],
            "context": {"encounter": [_reference(note.encounter_id)]} if note.encounter_id else {},
        }
    )


def _concept(codings: tuple[Coding, ...], text: str) -> Json:
    shown = [_without_empty({"system": c.system, "code": c.code, "display": c.display}) for c in codings]
    return _without_empty({"coding": shown, "text": text})


def _status(system: str, code: str) -> Json:
    return {"coding": [{"system": f"{_CODE_SYSTEMS}/{system}", "code": code}]} if code else {}


def _reference(record: str) -> Json:
    return {"reference": f"urn:uuid:{record}"}


def _without_empty(resource: Json) -> Json:
    return {key: value for key, value in resource.items() if value not in ("", {}, [], None)}

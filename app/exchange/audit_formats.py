"""Audit events in the words of other systems: JSON lines, CEF for a log collector, FHIR R4 AuditEvent.

The FHIR form follows IHE BALP 1.1.3 where it fits an event of a desktop program: slices `patient`, `data`
and `user` of PatientRead, outcome 0. It claims no profile in `meta`, since none would be true. Read and
PatientRead (Create, Update, Delete alike) require the type `rest`, a restful interaction, and a client
and a server, each with its network address: here nobody asked anybody over a network. Query and
PatientQuery require the search itself besides, and the words of a search are what the log must not hold.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.clinical.audit_event import AuditEvent

PRODUCT = "Anamnesis"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_FHIR_TERMS = "http://terminology.hl7.org/CodeSystem"
_OWN = "urn:anamnesis:audit-action"
_PATIENT_RECORD, _QUERY = "110110", "110112"
BREAK_GLASS = "break-glass"
# DICOM's alert for it, and HL7's purpose of use (v3-ActReason).
_OVERRIDE = {"system": _DICOM, "code": "110127", "display": "Emergency Override Started"}
_READS = {"system": f"{_FHIR_TERMS}/v3-ParticipationType", "code": "IRCP", "display": "information recipient"}
_PURPOSE = {"system": f"{_FHIR_TERMS}/v3-ActReason", "code": "BTG", "display": "break the glass"}
# The first word of an action that matches: DICOM's event type, FHIR's letter, CEF's severity.
_KINDS: tuple[tuple[tuple[str, ...], str, str, str, int], ...] = (
    (("break-glass-reviewed",), "110101", "Audit Log Used", "R", 3),
    ((BREAK_GLASS,), "110113", "Security Alert", "E", 8),
    (
        ("chart-opened", "differential-shown", "similar-patients-shown", "rules-traced"),
        _PATIENT_RECORD,
        "Patient Record",
        "R",
        3,
    ),
    (("notes-searched", "patients-listed", "all-charts-read"), _QUERY, "Query", "E", 3),
    (("patient-written", "note-written"), _PATIENT_RECORD, "Patient Record", "C", 3),
    (
        ("annotated", "diagnosis", "note-entered-in-error", "note-counts-again", "note-draft", "alert"),
        _PATIENT_RECORD,
        "Patient Record",
        "U",
        3,
    ),
    (("patient-erased",), _PATIENT_RECORD, "Patient Record", "D", 7),
    (("records-imported", "update-applied"), "110107", "Import", "C", 3),
    (("update", "backup"), "110106", "Export", "E", 5),
    (("vault-opened",), "110114", "User Authentication", "E", 3),
    (
        ("user", "passphrase", "officer", "rekeyed", "restored"),
        "110137",
        "User Security Attributes Changed",
        "U",
        6,
    ),
)
_OTHER = ("110100", "Application Activity", "E", 3)


def json_line(event: AuditEvent) -> str:
    """Every field as it is hashed, so that the chain can be checked elsewhere."""
    return json.dumps(asdict(event), ensure_ascii=False, sort_keys=True)


def cef_line(event: AuditEvent, *, version: str = "0") -> str:
    """ArcSight's Common Event Format, version 0."""
    severity = _kind(event)[3]
    head = [PRODUCT, PRODUCT, version, event.action, event.action.replace("-", " "), str(severity)]
    fields = {
        "rt": str(int(_time(event).timestamp() * 1000)),
        "externalId": str(event.sequence),
        "suser": event.user,
        "cs1Label": "record",
        "cs1": event.record_id,
        "cs2Label": "hash",
        "cs2": event.hash,
        "msg": event.detail,
    }
    shown = " ".join(f"{name}={_cef_value(value)}" for name, value in fields.items() if value)
    return "CEF:0|" + "|".join(_cef_head(word) for word in head) + "|" + shown


def fhir_line(event: AuditEvent) -> str:
    """One AuditEvent resource on one line (NDJSON)."""
    return json.dumps(audit_event_resource(event), ensure_ascii=False)


def audit_event_resource(event: AuditEvent) -> dict[str, Any]:
    """A FHIR R4 AuditEvent; `outcome` is success, since only deeds that were done are in the chain."""
    code, display, letter, _ = _kind(event)
    broken = event.action == BREAK_GLASS
    return {
        "resourceType": "AuditEvent",
        "id": f"{event.sequence}",
        "type": {"system": _DICOM, "code": code, "display": display},
        "subtype": [{"system": _OWN, "code": event.action}, *([_OVERRIDE] if broken else [])],
        "action": letter,
        "recorded": event.at,
        "outcome": "0",
        **({"purposeOfEvent": [{"coding": [_PURPOSE]}]} if broken else {}),
        "agent": [_agent(event)],
        "source": {
            "observer": {"display": PRODUCT},
            "type": [{"system": f"{_FHIR_TERMS}/security-source-type", "code": "4"}],
        },
        "entity": [_chain_entity(event), *_record_entities(event)],
    }


FORMATS: dict[str, Callable[[AuditEvent], str]] = {"jsonl": json_line, "cef": cef_line, "fhir": fhir_line}


def _agent(event: AuditEvent) -> dict[str, Any]:
    """Who did it; who looks at something is its recipient."""
    looks = _kind(event)[0] == _QUERY or _is_read(event)
    kind = {"type": {"coding": [_READS]}} if looks else {}
    return {**kind, "who": {"display": event.user}, "requestor": True}


def _chain_entity(event: AuditEvent) -> dict[str, Any]:
    """The event's place in the chain, and its detail where it has one."""
    detail = [{"type": "hash", "valueString": event.hash}] if event.hash else []
    entity: dict[str, Any] = {
        "what": {"identifier": {"system": "urn:anamnesis:audit-sequence", "value": str(event.sequence)}},
        "type": {"system": f"{_FHIR_TERMS}/audit-entity-type", "code": "4", "display": "Other"},
    }
    entity |= {"description": event.detail} if event.detail else {}
    return entity | ({"detail": detail} if detail else {})


def _record_entities(event: AuditEvent) -> list[dict[str, Any]]:
    """The record by its id: a patient as a person, and her chart where it was looked at."""
    if not event.record_id:
        return []
    what: dict[str, Any] = {"identifier": {"value": event.record_id}}
    if _kind(event)[0] != _PATIENT_RECORD:
        return [{"what": what}]
    patient = _entity({"type": "Patient", **what}, ("1", "Person"), ("1", "Patient"))
    chart = _entity(what, ("2", "System Object"), ("4", "Domain Resource"))
    return [chart, patient] if _is_read(event) else [patient]


def _entity(what: dict[str, Any], kind: tuple[str, str], role: tuple[str, str]) -> dict[str, Any]:
    systems = {"type": ("audit-entity-type", *kind), "role": ("object-role", *role)}
    return {"what": what} | {
        name: {"system": f"{_FHIR_TERMS}/{system}", "code": code, "display": display}
        for name, (system, code, display) in systems.items()
    }


def _is_read(event: AuditEvent) -> bool:
    kind, _, letter, _ = _kind(event)
    return (kind, letter) == (_PATIENT_RECORD, "R")


def _kind(event: AuditEvent) -> tuple[str, str, str, int]:
    for starts, code, display, letter, severity in _KINDS:
        if event.action.startswith(starts):
            return code, display, letter, severity
    return _OTHER


def _time(event: AuditEvent) -> datetime:
    return datetime.fromisoformat(event.at)


def _cef_head(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _cef_value(text: str) -> str:
    return _one_line(text).replace("\\", "\\\\").replace("=", "\\=")


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)

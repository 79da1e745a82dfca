"""What IHE BALP 1.1.3 requires of an AuditEvent, and how far ours meets it: no profile is claimed.

The tables hold the required elements of the published profiles IHE.BasicAudit.PatientRead and .Query; the
checks are of this project.
"""

from collections.abc import Callable
from typing import Any

import pytest

from app.clinical.audit_event import AuditEvent
from app.exchange.audit_formats import audit_event_resource

DCM = "http://dicom.nema.org/resources/ontology/DCM"
TERMS = "http://terminology.hl7.org/CodeSystem"
REST = "http://hl7.org/fhir/restful-interaction"
Resource = dict[str, Any]
READ = ("chart-opened", "differential-shown", "similar-patients-shown", "rules-traced")
QUERY = ("notes-searched", "patients-listed", "all-charts-read")
WRITTEN = ("annotated", "diagnosis-confirmed", "note-written", "alert-dismissed", "note-draft-kept")
OTHERS = ("epsilon-cap-set", "user-added", "backup-written", "vault-opened", "records-imported")


def exported(action: str) -> Resource:
    of_patient = action in READ + WRITTEN
    event = AuditEvent(7, "2026-01-02T03:04:05.006Z", "ann", action, "p-1" if of_patient else "", "x", "ab")
    return audit_event_resource(event)


def coded(coding: Resource | None, system: str, *codes: str) -> bool:
    return coding is not None and coding["system"] == system and coding["code"] in codes


def agents(resource: Resource, system: str, code: str) -> list[Resource]:
    """The agents of the slice that its type tells."""
    return [
        agent
        for agent in resource["agent"]
        if any(coded(coding, system, code) for coding in agent.get("type", {}).get("coding", ()))
    ]


def entities(resource: Resource, code: str) -> list[Resource]:
    return [e for e in resource["entity"] if coded(e.get("type"), f"{TERMS}/audit-entity-type", code)]


def has_connected(resource: Resource, code: str) -> bool:
    """One agent of this DICOM role, with an identity and a network address."""
    found = agents(resource, DCM, code)
    return len(found) == 1 and {"who", "network"} <= set(found[0]) and "media" not in found[0]


def has_user(resource: Resource) -> bool:
    found = agents(resource, f"{TERMS}/v3-ParticipationType", "IRCP")
    return len(found) == 1 and "who" in found[0] and found[0]["requestor"] and "network" not in found[0]


def has_data(resource: Resource) -> bool:
    found = entities(resource, "2")
    return len(found) == 1 and "what" in found[0] and coded(found[0]["role"], f"{TERMS}/object-role", "4")


def has_patient(resource: Resource) -> bool:
    found = entities(resource, "1")
    return (
        len(found) == 1
        and found[0]["what"]["type"] == "Patient"
        and coded(found[0]["role"], f"{TERMS}/object-role", "1")
    )


def has_query(resource: Resource) -> bool:
    """One search request, as it was sent, in base64."""
    found = entities(resource, "2")
    return len(found) == 1 and "query" in found[0] and "what" not in found[0]


Profile = dict[str, Callable[[Resource], bool]]
SUCCESS: Profile = {
    "type": lambda r: coded(r["type"], f"{TERMS}/audit-event-type", "rest"),
    "recorded": lambda r: bool(r["recorded"]),
    "outcome": lambda r: r["outcome"] == "0",
    "agent:user": has_user,  # 0..1: what there is must fit
}
PATIENT_READ: Profile = SUCCESS | {
    "subtype": lambda r: any(coded(s, REST, "read", "vread") for s in r["subtype"]),
    "action": lambda r: r["action"] == "R",
    "agent:client": lambda r: has_connected(r, "110152"),
    "agent:server": lambda r: has_connected(r, "110153"),
    "entity:data": has_data,
    "entity:patient": has_patient,
}
SEARCH: Profile = SUCCESS | {
    "subtype": lambda r: any(coded(s, REST, "search", "search-type", "search-system") for s in r["subtype"]),
    "action": lambda r: r["action"] == "E",
    "agent:client": lambda r: has_connected(r, "110153"),
    "agent:server": lambda r: has_connected(r, "110152"),
    "entity:query": has_query,
}
OVER_A_NETWORK = {"type", "subtype", "agent:client", "agent:server"}


def lacking(resource: Resource, profile: Profile) -> set[str]:
    return {element for element, holds in profile.items() if not holds(resource)}


@pytest.mark.parametrize("action", READ)
def test_a_read_lacks_of_patient_read_only_what_needs_a_network(action: str) -> None:
    assert lacking(exported(action), PATIENT_READ) == OVER_A_NETWORK


@pytest.mark.parametrize("action", QUERY)
def test_a_search_lacks_of_query_what_needs_a_network_and_its_words(action: str) -> None:
    assert lacking(exported(action), SEARCH) == OVER_A_NETWORK | {"entity:query"}


@pytest.mark.parametrize("action", READ + QUERY + WRITTEN + OTHERS)
def test_an_event_claims_no_profile_that_it_does_not_meet(action: str) -> None:
    resource = exported(action)
    assert lacking(resource, PATIENT_READ)
    assert lacking(resource, SEARCH)
    assert "meta" not in resource
    assert has_patient(resource) is (action in READ + WRITTEN)
    assert (resource["action"] == "R") is (action in READ)


def test_the_tables_know_an_event_of_a_server() -> None:
    """What a FHIR server would write about a read of a patient's observation lacks nothing."""
    read = exported("chart-opened")
    read["type"] = {"system": f"{TERMS}/audit-event-type", "code": "rest"}
    read["subtype"] = [{"system": REST, "code": "read"}]
    read["agent"] += [
        {
            "type": {"coding": [{"system": DCM, "code": code}]},
            "who": {"display": "d"},
            "requestor": False,
            "network": {"address": "192.0.2.1", "type": "2"},
        }
        for code in ("110152", "110153")
    ]
    assert lacking(read, PATIENT_READ) == set()

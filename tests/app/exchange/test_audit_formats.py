"""Audit events leave as JSON lines, CEF and FHIR, one line each, whatever stands in them."""

import json
import re

import pytest

from app.clinical.audit_event import AuditEvent
from app.exchange.audit_formats import FORMATS, audit_event_resource, cef_line

SHOWN = AuditEvent(
    7, "2026-01-02T03:04:05.006Z", "ann", "differential-shown", "p-1", "model c0ffee", "ab" * 32
)
HOSTILE = AuditEvent(
    8, "2026-01-02T03:04:05Z", "a|b=c\\d", "odd|name", "x\r\nCEF:0|evil", 'm=1\n"\u2028', "cd" * 32
)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("event", [SHOWN, HOSTILE])
def test_an_event_is_one_line_in_every_format(name: str, event: AuditEvent) -> None:
    line = FORMATS[name](event)
    assert "\n" not in line
    assert "\r" not in line


def test_a_cef_line_has_its_eight_parts_and_hides_no_second_event() -> None:
    head = re.split(r"(?<!\\)\|", cef_line(SHOWN), maxsplit=7)
    assert head[:2] == ["CEF:0", "Anamnesis"]
    assert head[4:7] == ["differential-shown", "differential shown", "3"]
    assert head[7] == (
        "rt=1767323045006 externalId=7 suser=ann cs1Label=record cs1=p-1 "
        f"cs2Label=hash cs2={'ab' * 32} msg=model c0ffee"
    )
    hostile = re.split(r"(?<!\\)\|", cef_line(HOSTILE), maxsplit=7)
    assert hostile[4] == "odd\\|name"
    assert "suser=a|b\\=c\\\\d " in hostile[7]
    assert "msg=m\\=1 " in hostile[7]


OF_PATIENTS = ("chart-opened", "differential-shown", "patient-erased", "annotated")


@pytest.mark.parametrize("action", [*OF_PATIENTS, "break-glass", "notes-searched", "vault-opened", "made-up"])
def test_a_fhir_event_is_valid_r4(action: str) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fhir.resources.R4B.auditevent import AuditEvent as Model

    resource = audit_event_resource(AuditEvent(1, SHOWN.at, "ann", action, "p-1", "", "ab" * 32))
    Model.model_validate(resource)
    patient = [e for e in resource["entity"] if e.get("role", {}).get("code") == "1"]
    assert all(e["what"]["type"] == "Patient" and e["type"]["code"] == "1" for e in patient)
    assert ("purposeOfEvent" in resource) is (action == "break-glass")
    assert len(patient) == (action in OF_PATIENTS)
    assert json.loads(FORMATS["fhir"](SHOWN))["recorded"] == SHOWN.at


def test_an_event_of_marks_from_before_it_named_a_patient_names_none() -> None:
    former = audit_event_resource(AuditEvent(1, SHOWN.at, "ann", "annotated", "", "2 events", "ab" * 32))
    assert [entity["type"]["code"] for entity in former["entity"]] == ["4"]

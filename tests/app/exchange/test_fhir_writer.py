"""What the writer makes is valid FHIR R4 (checked by fhir.resources R4B) and keeps the text."""

import base64
import warnings
from dataclasses import replace

import pytest

from app.clinical.chart import Chart
from app.clinical.ids import EncounterId, NoteId, PatientId, RecordId, record_id
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import REFUTED, Coding, Condition, Encounter, Observation, Quantity, ReferenceRange
from app.exchange.fhir_writer import transaction_bundle
from knowledge_graph.findings.finding import Sex


def _chart() -> Chart:
    patient = PatientId(record_id("test", "p"))
    visit = EncounterId(record_id("test", "e"))
    coding = (Coding("http://loinc.org", "718-7", "Hemoglobin"),)
    named = (Identifier("urn:h", "7"),)
    return Chart(
        patient=Patient(patient, "Ada Maria Sample", "1990-02-03", Sex.FEMALE, "", named),
        encounters=(Encounter(visit, patient, "clinic", "2026-01-02T09:00:00Z", "2026-01-02T09:30:00Z"),),
        notes=(Note(NoteId("n"), patient, "Fièvre 39 °C\n", "Letter", "2026-01-02T10:00:00Z", visit),),
        conditions=(Condition(RecordId("c"), patient, "Anaemia", (), visit, "2020-01-01", "", "active"),),
        observations=(
            Observation(
                RecordId(record_id("test", "o")), patient, "Hemoglobin", coding, visit, "2026-01-02",
                Quantity(8.1, "g/dL"), "", ReferenceRange(12.0, 16.0),
            ),
        ),
    )  # fmt: skip


@pytest.mark.slow
def test_a_written_bundle_is_valid_fhir() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fhir.resources.R4B.bundle import Bundle

        bundle = Bundle.model_validate(transaction_bundle(_chart()))
    kinds = [entry["resource"]["resourceType"] for entry in bundle.model_dump()["entry"]]
    assert kinds == ["Patient", "Encounter", "Condition", "Observation", "DocumentReference"]


def test_a_note_arrives_unchanged() -> None:
    document = transaction_bundle(_chart())["entry"][-1]["resource"]
    data = document["content"][0]["attachment"]["data"]
    assert base64.b64decode(data).decode("utf-8") == "Fièvre 39 °C\n"


def test_a_bound_and_a_diagnosis_that_is_ruled_out_stay_what_they_are() -> None:
    chart = _chart()
    refuted = replace(chart.conditions[0], verification_status=REFUTED)
    below = replace(chart.observations[0], quantity=Quantity(0.1, "mg/L", "<"))
    made = transaction_bundle(replace(chart, conditions=(refuted,), observations=(below,)))["entry"]
    condition, observation = made[2]["resource"], made[3]["resource"]
    assert condition["verificationStatus"]["coding"][0]["code"] == "refuted"
    assert observation["valueQuantity"] == {"value": 0.1, "comparator": "<", "unit": "mg/L"}


def test_empty_fields_are_left_out() -> None:
    chart = Chart(Patient(PatientId("p"), "Solo"))
    assert transaction_bundle(chart)["entry"][0]["resource"] == {
        "resourceType": "Patient",
        "id": "p",
        "name": [{"text": "Solo"}],
        "gender": "unknown",
    }

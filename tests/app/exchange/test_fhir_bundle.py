"""Bundles of every type: what counts is read once, what does not is said with its reason."""

import json
from pathlib import Path

import pytest

from app.clinical.patient import Patient
from app.clinical.record import Condition
from app.errors import ImportRefused
from app.exchange.fhir_bundle import DELETED, NOTHING_SENT, OLDER
from app.exchange.item import ReadLimits
from tests.app.exchange.foreign_files import ADA, HERS, Json, bundle, nouns, read_all, write

A: Json = {"resourceType": "Condition", "id": "c", **HERS, "code": {"text": "A"}}


def test_a_request_to_delete_reads_nothing_and_says_so(tmp_path: Path) -> None:
    whole = bundle(ADA, kind="transaction")
    whole["entry"].append({"request": {"method": "DELETE", "url": "Condition/c"}})
    whole["entry"].append(
        {"fullUrl": "urn:x", "resource": A, "request": {"method": "DELETE", "url": "Condition/c"}}
    )
    items = read_all(write(tmp_path / "b.json", whole))
    assert [i.skipped for i in items] == ["", DELETED, DELETED]


def history() -> Json:
    whole = bundle(ADA, {**A, "code": {"text": "new"}}, {**A, "code": {"text": "old"}}, kind="history")
    gone = {"request": {"method": "DELETE", "url": "Condition/d/_history/2"}}
    whole["entry"] += [gone, {"resource": {**A, "id": "d"}}]
    return whole


@pytest.mark.parametrize("largest", [64 << 20, 500])
def test_of_a_history_only_the_newest_version_counts(tmp_path: Path, largest: int) -> None:
    path = write(tmp_path / "b.json", history())
    items = read_all(path, limits=ReadLimits(largest_document=largest))
    assert [c.label for c in nouns(items, Condition)] == ["new"]
    assert [i.skipped for i in items] == ["", "", OLDER, DELETED, OLDER]


def test_an_answer_without_a_resource_and_an_outcome_are_no_records(tmp_path: Path) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
    whole = bundle(ADA, outcome, kind="searchset")
    whole["entry"].append({"response": {"status": "201"}})
    items = read_all(write(tmp_path / "b.json", whole))
    assert [(i.kind, i.skipped) for i in items][1:] == [
        ("OperationOutcome", "not a clinical record of this program"),
        ("unknown", NOTHING_SENT),
    ]


def test_bundles_within_bundles_lines_parameters_and_lists_are_unfolded(tmp_path: Path) -> None:
    inner = bundle(ADA, A)
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "return", "resource": inner}]}
    for name, value, place in (
        ("b.json", bundle(inner), "entry 0, entry 1"),
        ("l.ndjson", json.dumps(inner).encode() + b"\n", "line 1, entry 1"),
        ("p.json", parameters, "parameter 0, entry 1"),
        ("a.json", [ADA, A], "item 1"),
    ):
        items = read_all(write(tmp_path / name, value))
        assert [c.label for c in nouns(items, Condition)] == ["A"], name
        assert len(nouns(items, Patient)) == 1
        assert items[1].place == place


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        ({"resourceType": "Procedure", "notDone": True}, "STU3"),
        ({"resourceType": "MedicationStatement", "taken": "n"}, "STU3"),
        ({"resourceType": "Observation", "interpretation": {"text": "high"}}, "STU3"),
        ({"resourceType": "MedicationStatement", "wasNotTaken": True}, "DSTU2"),
        ({"resourceType": "DocumentReference", "attester": []}, "R5"),
        ({"resourceType": "AllergyIntolerance", "type": {"text": "allergy"}}, "R5"),
        ({"resourceType": "Encounter", "actualPeriod": {}}, "R5"),
        ({"resourceType": "CapabilityStatement", "fhirVersion": "Canary"}, "of an unknown version"),
    ],
)
def test_other_versions_are_told_by_the_fields_that_only_they_have(
    tmp_path: Path, resource: Json, version: str
) -> None:
    with pytest.raises(ImportRefused, match=f"FHIR {version}; this program reads FHIR R4"):
        read_all(write(tmp_path / "b.json", bundle(ADA, resource)))


def test_r4b_is_read() -> None:
    from app.exchange.fhir_version import other_version

    assert other_version({"resourceType": "CapabilityStatement", "fhirVersion": "4.3.0"}) == ""


def test_a_resource_type_of_the_senders_making_is_no_line_of_the_report(tmp_path: Path) -> None:
    (item,) = read_all(write(tmp_path / "b.json", {"resourceType": "Ada Canary has HIV"}))
    assert (item.kind, item.skipped) == ("unknown", "not a clinical record of this program")

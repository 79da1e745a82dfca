"""Whose a record is: never another person's, and one person's where her number says so."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.clinical.ids import PatientId
from app.clinical.patient import Identifier, Patient, cannot_be_one, is_surely_one
from app.clinical.record import Condition, Encounter, Observation
from app.exchange.fhir_patient import own_numbers, patient_of
from app.exchange.reference_table import ReferenceTable
from knowledge_graph.findings.finding import Sex
from tests.app.exchange.foreign_files import ADA, HERS, Json, bundle, nouns, read_all, write

BOB: Json = {
    "resourceType": "Patient",
    "id": "p",
    "identifier": [{"system": "urn:h", "value": "8"}],
    "name": [{"family": "Other", "given": ["Bob"]}],
    "birthDate": "1950-01-01",
}
A = {"resourceType": "Condition", "id": "c", **HERS, "code": {"text": "A"}}
B = {**A, "code": {"text": "B"}}


def owners(items: Any) -> dict[str, str]:
    names = {p.id: p.name for p in nouns(items, Patient)}
    return {c.label: names.get(c.patient_id, "nobody") for c in nouns(items, Condition)}


def test_one_reference_in_two_files_leads_to_two_people(tmp_path: Path) -> None:
    first, second = write(tmp_path / "1.json", bundle(ADA, A)), write(tmp_path / "2.json", bundle(BOB, B))
    assert owners(read_all(first, second)) == {"A": "Ada Sample", "B": "Bob Other"}


def test_two_people_under_one_resource_id_stay_two_without_any_number(tmp_path: Path) -> None:
    ada, bob = ({k: v for k, v in p.items() if k != "identifier"} for p in (ADA, BOB))
    first, second = write(tmp_path / "1.json", bundle(ada, A)), write(tmp_path / "2.json", bundle(bob, B))
    items = read_all(first, second)
    assert owners(items) == {"A": "Ada Sample", "B": "Bob Other"}
    assert any("another patient carries the same number" in r for i in items for r in i.remarks)


def test_a_reference_that_two_files_answer_is_refused_for_a_third(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.json", r) for n, r in enumerate((bundle(ADA), bundle(BOB), bundle(A)))]
    (item,) = (i for i in read_all(*paths) if i.kind == "Condition")
    assert "import their files one by one" in item.skipped


def test_records_reach_a_patient_of_another_file(tmp_path: Path) -> None:
    lines = write(tmp_path / "Condition.ndjson", json.dumps(A).encode() + b"\n")
    people = write(tmp_path / "Patient.ndjson", json.dumps(ADA).encode() + b"\n")
    assert owners(read_all(lines, people)) == {"A": "Ada Sample"}


@pytest.mark.parametrize(
    "reference",
    [
        *("Patient/p", "urn:uuid:p", "http://here/fhir/Patient/p", "http://here/fhir/Patient/p/_history/3"),
        *("Patient?identifier=urn:h|7", "Patient?identifier=urn:h%7C7"),
    ],
)
def test_every_way_to_name_a_patient_leads_to_her(tmp_path: Path, reference: str) -> None:
    whole = bundle(ADA, {**A, "subject": {"reference": reference}})
    whole["entry"][0]["fullUrl"] = "http://here/fhir/Patient/p"
    assert owners(read_all(write(tmp_path / "b.json", whole))) == {"A": "Ada Sample"}


def test_the_patient_of_another_server_is_not_this_one(tmp_path: Path) -> None:
    whole = bundle(ADA, {**A, "subject": {"reference": "http://elsewhere/fhir/Patient/p"}})
    whole["entry"][0]["fullUrl"] = "http://here/fhir/Patient/p"
    assert owners(read_all(write(tmp_path / "b.json", whole))) == {"A": "nobody"}


@pytest.mark.parametrize("reference", ["Group/g", "Device/d", "Patient?name=ada"])
def test_what_is_of_no_patient_is_not_filed_under_one(tmp_path: Path, reference: str) -> None:
    (item,) = read_all(write(tmp_path / "c.json", {**A, "subject": {"reference": reference}}))
    assert item.skipped == "it does not say whose it is"


def test_contained_patients_of_two_resources_are_two(tmp_path: Path) -> None:
    def inner(name: str) -> Json:
        return {"resourceType": "Patient", "id": "x", "name": [{"text": name}]}

    own = {"subject": {"reference": "#x"}}
    items = read_all(
        write(tmp_path / "1.json", {**A, **own, "contained": [inner("Ada")]}),
        write(tmp_path / "2.json", {**B, **own, "contained": [inner("Bob")]}),
    )
    assert len({c.patient_id for c in nouns(items, Condition)}) == 2


def test_an_encounter_id_that_two_patients_share_stays_two_encounters(tmp_path: Path) -> None:
    visit = {"resourceType": "Encounter", "id": "1", **HERS, "class": {"code": "AMB"}}
    seen = {"resourceType": "Observation", "id": "o", **HERS, "encounter": {"reference": "Encounter/1"}}
    paths = [write(tmp_path / f"{n}.json", bundle(p, visit, seen)) for n, p in enumerate((ADA, BOB))]
    items = read_all(*paths)
    visits = [e.id for e in nouns(items, Encounter)]
    assert len(set(visits)) == 2
    assert [o.encounter_id for o in nouns(items, Observation)] == visits


def test_her_own_record_number_wins_in_whatever_order_numbers_come() -> None:
    def number(system: str, value: str, kind: str, **more: str) -> Json:
        return {"system": system, "value": value, "type": {"coding": [{"code": kind}]}, **more}

    mine = [number("urn:z", "7", "MR"), number("urn:a", "123", "SS"), number("urn:0", "9", "MC")]
    mine.append(number("urn:0", "old", "MR", use="old"))
    expected = [("urn:z", "7"), ("urn:a", "123")]
    assert own_numbers({"identifier": mine}) == expected
    assert own_numbers({"identifier": mine[::-1]}) == expected
    for order in (mine, mine[::-1]):
        assert patient_of({"identifier": order}, "p").record_number == "7"


def test_a_second_number_joins_two_files_where_all_else_agrees(tmp_path: Path) -> None:
    known = Patient(
        PatientId("held"), "Ada Sample", "1990-02-03", Sex.FEMALE, "", (Identifier("urn:h", "7"),)
    )
    numbers = [{"system": "urn:a", "value": "1"}, {"system": "urn:h", "value": "7"}]
    path = write(tmp_path / "p.json", {**ADA, "identifier": numbers})
    for held, joined in ((known, True), (replace(known, birth_date="1991-02-03"), False)):
        table = ReferenceTable(known={"held": held})
        (patient,) = nouns(read_all(path, references=table), Patient)
        assert (patient.id == "held") is joined


def person(name: str, born: str, sex: Sex = Sex.FEMALE) -> Patient:
    return Patient(PatientId("x"), name, born, sex)


@pytest.mark.parametrize(
    ("a", "b", "contradict"),
    [
        (person("Ada Sample", "1990-02-03"), person("Ada Sample", "1990-03-02"), False),  # a corrected date
        (person("Ada Sample", "1990-02-03"), person("Ada Married", "1990-02-03"), False),
        (person("Ada Sample", "1990-02-03"), person("Bob Sample", "1992-02-03"), True),  # a family's number
        (person("Ada Sample", "1990"), person("Sample, Ada", "1990-02-03"), False),
        (person("Ada Sample", ""), person("Bob Other", ""), True),
        (person("Ada Sample", ""), person("", "1990"), False),
    ],
)
def test_records_that_contradict_each_other_are_two_people(a: Patient, b: Patient, contradict: bool) -> None:
    assert cannot_be_one(a, b) is contradict
    assert cannot_be_one(b, a) is contradict


def test_twins_who_share_a_number_are_not_surely_one() -> None:
    assert is_surely_one(person("Ada Sample", "1990-02-03"), person("ada sample", "1990-02-03"))
    assert not is_surely_one(person("Ada Sample", "1990-02-03"), person("Eva Sample", "1990-02-03"))
    assert not is_surely_one(person("Ada Sample", "1990"), person("Ada Sample", "1990"))


def test_a_number_that_a_family_shares_names_nobody(tmp_path: Path) -> None:
    shared = Identifier("urn:insurance", "9")
    family = {
        own: Patient(PatientId(own), name, born, Sex.FEMALE, "", (Identifier("urn:h", own), shared))
        for own, name, born in (("1", "Ada Sample", "1990-02-03"), ("2", "Eva Sample", "1992-02-03"))
    }
    by_number = {"subject": {"identifier": {"system": "urn:insurance", "value": "9"}}}
    (item,) = read_all(
        write(tmp_path / "c.json", {**A, **by_number}), references=ReferenceTable(known=family)
    )
    assert item.skipped == "it does not say whose it is"
    by_number["subject"]["identifier"] = {"system": "urn:h", "value": "2"}
    (item,) = read_all(
        write(tmp_path / "c.json", {**A, **by_number}), references=ReferenceTable(known=family)
    )
    assert nouns([item], Condition)[0].patient_id == "2"

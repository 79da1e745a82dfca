"""A phenopacket as the specification writes it: what is excluded stays excluded, ages become days."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import Condition, MedicationRequest, Observation, PhenotypicFeature, Procedure
from app.exchange.phenopacket import OLD_SCHEMA
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.term import TermId
from tests.app.exchange.foreign_files import Json, nouns, read_all, write

YEAR = 365.25


def term(code: str, name: str = "") -> Json:
    return {"id": code, "label": name}


def feature(code: str, **more: Any) -> Json:
    return {"type": term(code, "x"), **more}


def packet(**more: Any) -> Json:
    return {
        "id": "case-1",
        "subject": {
            "id": "proband",
            "dateOfBirth": "2010-03-04T00:00:00Z",
            "sex": "OTHER_SEX",
            "timeAtLastEncounter": {"age": {"iso8601duration": "P9Y"}},
            "vitalStatus": {"status": "DECEASED", "timeOfDeath": {"timestamp": "2020-01-01T00:00:00Z"}},
        },
        "metaData": {"created": "2026-01-01T00:00:00Z", "phenopacketSchemaVersion": "2.0"},
        **more,
    }


def read(tmp_path: Path, kind: type, **more: Any) -> list[Any]:
    return nouns(read_all(write(tmp_path / "p.json", packet(**more))), kind)


def test_the_person_keeps_sex_birth_and_death(tmp_path: Path) -> None:
    (patient,) = read(tmp_path, Patient)
    assert (patient.sex, patient.birth_date) == (Sex.OTHER, "2010-03-04")
    assert (patient.deceased, patient.deceased_at) == (True, "2020-01-01")
    (patient,) = read(tmp_path, Patient, subject={"id": "a", "sex": 1})
    assert patient.sex is Sex.FEMALE


@pytest.mark.parametrize(
    ("onset", "days"),
    [
        ({"age": {"iso8601duration": "P2Y"}}, round(2 * YEAR)),
        ({"ageRange": {"start": {"iso8601duration": "P1Y"}, "end": {"iso8601duration": "P3Y"}}}, round(YEAR)),
        ({"ontologyClass": term("HP:0003593", "Infantile onset")}, 28),
        ({"ontologyClass": term("HP:0003621", "Juvenile onset")}, round(5 * YEAR)),
        ({"gestationalAge": {"weeks": 20}}, 0),
        ({"age": {"iso8601duration": "soon"}}, None),
        (None, None),
    ],
)
def test_an_onset_becomes_the_earliest_age_it_allows(
    tmp_path: Path, onset: Json | None, days: int | None
) -> None:
    (found,) = read(tmp_path, PhenotypicFeature, phenotypicFeatures=[feature("HP:0001250", onset=onset)])
    assert found.finding == Finding(TermId("HP:0001250"), FindingState.OBSERVED, days)


def test_excluded_stays_excluded_and_a_word_in_its_place_is_left_out(tmp_path: Path) -> None:
    listed = [feature("HP:0001250", excluded=True), feature("HP:0001251", excluded="true"), feature("MP:1")]
    (item,) = read_all(write(tmp_path / "p.json", packet(phenotypicFeatures=listed)))
    (found,) = nouns([item], PhenotypicFeature)
    assert (found.finding.term_id, found.finding.state) == ("HP:0001250", FindingState.EXCLUDED)
    assert item.remarks == (
        "a feature that is neither excluded nor not was left out",
        "a feature without an HPO id was left out",
    )


def test_schema_one_whose_no_has_another_name_is_refused_by_name(tmp_path: Path) -> None:
    for more in (
        {"phenotypicFeatures": [feature("HP:0001250", negated=True)]},
        {"metaData": {"phenopacketSchemaVersion": "1.0.0-RC3"}},
    ):
        (item,) = read_all(write(tmp_path / "p.json", packet(**more)))
        assert item.skipped == OLD_SCHEMA


def test_diseases_keep_onset_and_whether_they_are_excluded(tmp_path: Path) -> None:
    diseases = [
        {"term": term("OMIM:1", "A"), "onset": {"age": {"iso8601duration": "P3Y"}}},
        {"term": term("OMIM:2", "B"), "excluded": True},
        {"term": term("OMIM:3", "C"), "onset": {"ontologyClass": term("HP:0003577", "Congenital onset")}},
    ]
    found = read(tmp_path, Condition, diseases=diseases)
    assert [(c.label, c.onset, c.verification_status) for c in found] == [
        *(("A", "2013", ""), ("B", "", "refuted"), ("C", "Congenital onset", "")),
    ]


def test_an_interpretation_tells_how_sure_it_is_and_its_summary_is_a_note(tmp_path: Path) -> None:
    def of(status: str, code: str) -> Json:
        return {"id": code, "progressStatus": status, "diagnosis": {"disease": term(code, code)}}

    listed = [of("SOLVED", "OMIM:1"), of("UNSOLVED", "OMIM:2"), of("IN_PROGRESS", "OMIM:3")]
    listed[0]["summary"] = "A variant explains the seizures."
    diseases = [{"term": term("OMIM:1", "OMIM:1")}, {"term": term("OMIM:3", "OMIM:3"), "excluded": True}]
    found = read(tmp_path, Condition, interpretations=listed, diseases=diseases)
    assert {c.label: c.verification_status for c in found} == {
        "OMIM:1": "confirmed",
        "OMIM:2": "unconfirmed",
        "OMIM:3": "refuted",
    }
    (note,) = read(tmp_path, Note, interpretations=listed)
    assert note.text == "A variant explains the seizures."


def test_measurements_and_actions_arrive(tmp_path: Path) -> None:
    unit = term("UCUM:g/dL", "g/dL")
    span = {"unit": unit, "low": 12, "high": 16}
    quantity = {"unit": unit, "value": 8.5, "referenceRange": span}
    pressure = {"type": term("NCIT:C1", "Systolic"), "quantity": {"value": 120}}
    when = {"timestamp": "2019-01-02T00:00:00Z"}
    done = {"code": term("NCIT:C3", "Biopsy"), "performed": {"age": {"iso8601duration": "P1Y"}}}
    whole = {
        "measurements": [
            {"assay": term("LOINC:718-7", "Hb"), "value": {"quantity": quantity}, "timeObserved": when},
            {"assay": term("LOINC:1", "pair"), "complexValue": {"typedQuantities": [pressure]}},
            {"assay": term("LOINC:2", "Nitrite"), "value": {"ontologyClass": term("NCIT:C2", "Absent")}},
        ],
        "medicalActions": [
            {"procedure": done},
            {"treatment": {"agent": term("DrugCentral:1", "Valproate")}},
        ],
    }
    hb, systolic, nitrite = read(tmp_path, Observation, **whole)
    assert (hb.quantity.value, hb.quantity.unit, hb.reference_range.low) == (8.5, "g/dL", 12.0)
    assert (hb.codings[0].system, hb.codings[0].code, hb.effective_at) == (
        "http://loinc.org",
        "718-7",
        "2019-01-02",
    )
    assert (systolic.label, systolic.quantity.value, nitrite.value_text) == ("Systolic", 120.0, "Absent")
    assert [p.performed_at for p in read(tmp_path, Procedure, **whole)] == ["2011"]
    assert [m.label for m in read(tmp_path, MedicationRequest, **whole)] == ["Valproate"]


def snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {"".join(f"_{c.lower()}" if c.isupper() else c for c in k): snake(v) for k, v in value.items()}
    return [snake(v) for v in value] if isinstance(value, list) else value


def test_the_schemas_own_field_names_are_read_alike(tmp_path: Path) -> None:
    whole = packet(
        phenotypicFeatures=[feature("HP:0001250", onset={"ageRange": {"start": {"iso8601duration": "P1Y"}}})],
        interpretations=[{"progressStatus": "SOLVED", "diagnosis": {"disease": term("OMIM:1", "A")}}],
    )
    camel = read_all(write(tmp_path / "c.json", whole))
    assert read_all(write(tmp_path / "s.json", snake(whole))) == camel
    assert nouns(camel, PhenotypicFeature)[0].finding.onset_days == round(YEAR)


def test_families_cohorts_lists_and_lines_bring_each_person(tmp_path: Path) -> None:
    first = packet()
    second = {**packet(), "id": "case-2", "subject": {"id": "mother"}}
    for name, value in (
        ("f.json", {"id": "f", "proband": first, "relatives": [second]}),
        ("c.json", {"id": "c", "members": [first, second]}),
        ("l.json", [first, second]),
        ("n.jsonl", b"".join(json.dumps(p).encode() + b"\n" for p in (first, second))),
    ):
        people = nouns(read_all(write(tmp_path / name, value)), Patient)
        assert [p.name for p in people] == ["proband", "mother"], name

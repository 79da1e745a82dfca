"""What arrives is what the resource says: values, ranges for this person, negations, what was taken back."""

import base64
from pathlib import Path
from typing import Any

import pytest

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import (
    AllergyIntolerance,
    Condition,
    DiagnosticReport,
    FamilyMemberHistory,
    MedicationRequest,
    Observation,
    Quantity,
    ReferenceRange,
)
from app.exchange.note_text import OTHER_ENCODING
from tests.app.exchange.foreign_files import ADA, HERS, Json, bundle, nouns, read_all, write


def of(tmp_path: Path, kind: type, *resources: Json) -> list[Any]:
    return nouns(read_all(write(tmp_path / "b.json", bundle(ADA, *resources))), kind)


def seen(**fields: Any) -> Json:
    return {"resourceType": "Observation", "id": "o", **HERS, "code": {"text": "Test"}, **fields}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"valueQuantity": {"value": 5, "unit": "mg/L", "comparator": "<"}},
            (Quantity(5.0, "mg/L", "<"), ""),
        ),
        ({"valueInteger": 7}, (Quantity(7.0), "")),
        ({"valueBoolean": False}, (None, "no")),
        ({"valueBoolean": True}, (None, "yes")),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "g"}}}, (None, "1 to 2 g")),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 1280000}}}, (None, "1:1280000")),
        ({"valuePeriod": {"start": "2020", "end": "2021"}}, (None, "2020 to 2021")),
        ({"valueCodeableConcept": {"coding": [{"display": "Positive"}]}}, (None, "Positive")),
        ({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, (None, "no value: not-performed")),
    ],
)
def test_every_type_of_value_arrives(tmp_path: Path, fields: Json, expected: tuple[Any, str]) -> None:
    (observation,) = of(tmp_path, Observation, seen(**fields))
    assert (observation.quantity, observation.value_text) == expected


def test_a_value_that_is_no_number_is_remarked(tmp_path: Path) -> None:
    items = read_all(write(tmp_path / "b.json", bundle(ADA, seen(valueQuantity={"value": "7.2"}))))
    assert items[1].remarks == ("field valueQuantity not read",)


def concept(code: str, system: str = "", text: str = "") -> Json:
    return {"coding": [{"system": system, "code": code}], "text": text}


@pytest.mark.parametrize(
    ("concepts", "flag"),
    [
        ([concept("H")], "H"),
        ([concept("281300000", "http://snomed.info/sct")], "L"),
        ([concept("166717003", "http://snomed.info/sct", "High")], "H"),
        ([concept("x", "urn:local"), concept("LL")], "LL"),
        ([concept("x", "urn:local", "see comment")], "see comment"),
    ],
)
def test_the_flag_is_the_hl7_one_where_it_can_be_told(
    tmp_path: Path, concepts: list[Json], flag: str
) -> None:
    assert of(tmp_path, Observation, seen(interpretation=concepts))[0].interpretation == flag


def span(low: float, high: float, unit: str = "g/L", **more: Any) -> Json:
    return {"low": {"value": low, "unit": unit}, "high": {"value": high, "unit": unit}, **more}


WOMEN, MEN = ([{"text": "Female"}], [{"coding": [{"code": "248153007"}]}])


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([span(120, 160)], ReferenceRange(120.0, 160.0)),
        ([span(130, 170, appliesTo=MEN), span(120, 150, appliesTo=WOMEN)], ReferenceRange(120.0, 150.0)),
        (
            [span(1, 2, type=concept("critical")), span(120, 160, type=concept("normal"))],
            ReferenceRange(120.0, 160.0),
        ),
        ([span(12, 16, "g/dL")], ReferenceRange(text="12 g/dL to 16 g/dL")),
        (
            [span(100, 140, age={"high": {"value": 12, "unit": "a"}}), span(120, 160)],
            ReferenceRange(text="up to 12 a: 100 g/L to 140 g/L; 120 g/L to 160 g/L"),
        ),
    ],
)
def test_the_range_is_the_one_for_this_person_or_only_text(
    tmp_path: Path, ranges: list[Json], expected: ReferenceRange
) -> None:
    value = {"value": 110, "unit": "g/L"}
    (observation,) = of(tmp_path, Observation, seen(valueQuantity=value, referenceRange=ranges))
    assert observation.reference_range == expected


def test_a_refuted_allergy_and_a_withdrawn_report_say_so(tmp_path: Path) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "patient": HERS["subject"], "code": {"text": "Nuts"}}
    allergy["verificationStatus"] = concept("refuted")
    report = {
        "resourceType": "DiagnosticReport",
        **HERS,
        "status": "entered-in-error",
        "conclusion": "Tumour",
    }
    assert of(tmp_path, AllergyIntolerance, allergy)[0].verification_status == "refuted"
    assert of(tmp_path, DiagnosticReport, report)[0].status == "entered-in-error"
    assert of(tmp_path, Note, report) == []


def attached(text: bytes, kind: str) -> Json:
    return {"attachment": {"contentType": kind, "data": base64.b64encode(text).decode()}}


def document(*content: Json, **more: Any) -> Json:
    return {"resourceType": "DocumentReference", "id": "d", **HERS, "content": list(content), **more}


def test_a_document_that_was_entered_in_error_is_not_read(tmp_path: Path) -> None:
    whole = bundle(ADA, document(attached(b"Wrong.", "text/plain"), status="entered-in-error"))
    assert (
        read_all(write(tmp_path / "b.json", whole))[1].skipped == "the sender marked it as entered in error"
    )


def test_of_several_forms_of_one_document_the_plainest_is_its_note(tmp_path: Path) -> None:
    forms = (
        attached(b"%PDF", "application/pdf"),
        attached(b"<p>Fever</p>", "text/html"),
        attached(b"Fever", "text/plain"),
    )
    assert [n.text for n in of(tmp_path, Note, document(*forms))] == ["Fever"]
    assert [n.text for n in of(tmp_path, Note, document(*forms[:2]))] == ["Fever"]


@pytest.mark.parametrize(
    ("data", "kind", "text"),
    [
        (b"< 5 mg/L of CRP", "text/plain", "< 5 mg/L of CRP"),
        (b"<p>Fever</p>", "", "Fever"),
        ("Größe".encode("utf-16"), "text/plain", "Größe"),
        (
            rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Fi\'e8vre\par\b Rash\b0 {\*\x hidden}}",
            "text/rtf",
            "Fièvre\nRash",
        ),
        (rb"{\rtf1\uc1 \u937?\u-10179?\u-8694?}", "application/rtf", "Ω\U0001f60a"),
        (rb"{\rtf1\ansicpg936 \'b7\'a2\'c8\'c8\uc2 \u19977\'c8\'fd}", "text/rtf", "发热三"),
        (rb"{\rtf1\ansicpg932 \'83A\'83\'8b}", "text/rtf", "アル"),
    ],
)
def test_a_note_comes_out_of_each_form(tmp_path: Path, data: bytes, kind: str, text: str) -> None:
    assert [n.text for n in of(tmp_path, Note, document(attached(data, kind)))] == [text]


def test_a_text_in_an_unnamed_encoding_is_read_and_remarked(tmp_path: Path) -> None:
    whole = bundle(ADA, document(attached("Fièvre".encode("cp1252"), "text/plain")))
    item = read_all(write(tmp_path / "b.json", whole))[1]
    assert (item.records[0].text, item.remarks) == ("Fièvre", (OTHER_ENCODING,))  # type: ignore[union-attr]


def test_a_document_that_names_a_binary_of_the_import_gets_its_text(tmp_path: Path) -> None:
    binary = {"resourceType": "Binary", "id": "x", "contentType": "text/plain"}
    binary["data"] = base64.b64encode(b"Seizures.").decode()
    link = {"attachment": {"contentType": "text/plain", "url": "Binary/x"}}
    assert [n.text for n in of(tmp_path, Note, document(link), binary)] == ["Seizures."]


def test_a_report_without_a_readable_form_leaves_its_conclusion_as_a_note(tmp_path: Path) -> None:
    report: Json = {"resourceType": "DiagnosticReport", "id": "r", **HERS, "conclusion": "Small testes."}
    report["conclusionCode"] = [{"text": "Microorchidism"}]
    assert [n.text for n in of(tmp_path, Note, report)] == ["Small testes."]
    assert of(tmp_path, DiagnosticReport, report)[0].conclusion == "Small testes.: Microorchidism"
    report["presentedForm"] = [attached(b"Whole report.", "text/plain")["attachment"]]
    assert [n.text for n in of(tmp_path, Note, report)] == ["Whole report."]


def test_a_medication_is_named_by_what_it_refers_to(tmp_path: Path) -> None:
    drug = {"resourceType": "Medication", "id": "m", "code": {"text": "Valproate"}}
    order = {
        "resourceType": "MedicationRequest",
        **HERS,
        "medicationReference": {"reference": "Medication/m"},
    }
    inner = {**order, "medicationReference": {"reference": "#m"}, "contained": [drug], "doNotPerform": True}
    assert [m.label for m in of(tmp_path, MedicationRequest, drug, order)] == ["Valproate"]
    assert [m.label for m in of(tmp_path, MedicationRequest, inner)] == ["not to be given: Valproate"]


def test_an_onset_by_age_becomes_a_year_and_words_stay_words(tmp_path: Path) -> None:
    known = {"resourceType": "Condition", "id": "c", **HERS, "code": {"text": "A"}}
    for fields, onset in (
        ({"onsetAge": {"value": 15, "code": "a"}}, "2005"),
        ({"onsetAge": {"value": 6, "unit": "months"}}, "1990-08"),
        ({"onsetAge": {"value": 3, "unit": "fortnights"}}, "age 3 fortnights"),
        ({"onsetRange": {"low": {"value": 2, "unit": "a"}}}, "from 2 a"),
        ({"onsetString": "in childhood", "recordedDate": "2020"}, "in childhood"),
        ({"recordedDate": "2020-01-02"}, ""),
    ):
        (condition,) = of(tmp_path, Condition, {**known, **fields})
        assert condition.onset == onset


def test_a_relative_keeps_ages_and_whether_she_died(tmp_path: Path) -> None:
    mother: Json = {
        "resourceType": "FamilyMemberHistory",
        "patient": HERS["subject"],
        "relationship": {"text": "mother"},
    }
    mother |= {"deceasedAge": {"value": 60, "unit": "a"}, "status": "completed"}
    mother["condition"] = [{"code": {"text": "Stroke"}, "onsetAge": {"value": 56, "unit": "a"}}]
    (relative,) = of(tmp_path, FamilyMemberHistory, mother)
    assert (relative.conditions, relative.deceased) == (("Stroke (from 56 a)",), True)


def test_partial_dates_stay_and_impossible_ones_are_left_out_and_said(tmp_path: Path) -> None:
    for born, kept, remarks in (
        *(("1990", "1990", ()), ("1990-02", "1990-02", ())),
        *(("1990-02-30", "", ("field birthDate not read",)), ("3.2.1990", "", ("field birthDate not read",))),
    ):
        (item,) = read_all(write(tmp_path / "p.json", {**ADA, "birthDate": born}))
        assert (item.records[0].birth_date, item.remarks) == (kept, remarks)  # type: ignore[union-attr]


def test_that_a_patient_died_is_known_without_a_date(tmp_path: Path) -> None:
    for fields in ({"deceasedBoolean": True}, {"deceasedDateTime": "2020"}):
        (patient,) = nouns(read_all(write(tmp_path / "p.json", {**ADA, **fields})), Patient)
        assert patient.deceased


def test_what_is_neither_read_nor_wrapping_is_named(tmp_path: Path) -> None:
    whole = seen(valueInteger=1, bodySite={"text": "arm"}, meta={}, text={}, _status={}, identifier=[])
    items = read_all(write(tmp_path / "b.json", bundle(ADA, whole)))
    assert items[1].unread == ("bodySite",)


def test_an_unknown_modifier_keeps_a_resource_out(tmp_path: Path) -> None:
    odd = seen(valueInteger=1, modifierExtension=[{"url": "urn:not", "valueBoolean": True}])
    items = read_all(write(tmp_path / "b.json", bundle(ADA, odd)))
    assert "its meaning is not certain" in items[1].skipped


def test_a_resource_without_a_code_is_called_by_its_narrative(tmp_path: Path) -> None:
    told = {"resourceType": "Condition", **HERS, "text": {"div": "<div>Burnt\n ear</div>"}}
    assert [c.label for c in of(tmp_path, Condition, told)] == ["Burnt ear"]


def test_a_note_keeps_who_wrote_it(tmp_path: Path) -> None:
    whole = document(
        attached(b"Fever", "text/plain"), author=[{"reference": "Practitioner/1"}, {"display": "Dr. A"}]
    )
    assert [n.author for n in of(tmp_path, Note, whole)] == ["Dr. A"]

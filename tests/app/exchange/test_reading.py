"""FHIR resources become the right nouns; what is broken or of another version is refused in one line."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import Condition, Observation
from app.errors import ImportRefused
from app.exchange.fhir_reader import learn_references, read_fhir
from app.exchange.item import ImportedItem, ReadLimits
from app.exchange.note_text import plain_text
from app.exchange.reader import ReadPlan, learn, read_records
from app.exchange.reference_table import ReferenceTable
from app.exchange.source_file import SourceFile
from knowledge_graph.findings.finding import Sex

Json = dict[str, Any]
PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p",
    "identifier": [{"system": "urn:h", "value": "7"}],
    "name": [{"use": "old", "text": "Old"}, {"family": "Sample", "given": ["Ada", "M"]}],
    "gender": "female",
    "birthDate": "1990-02-03",
}


def bundle(*resources: Json, kind: str = "transaction") -> Json:
    return {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [{"fullUrl": f"urn:uuid:{r.get('id', i)}", "resource": r} for i, r in enumerate(resources)],
    }


def read(path: Path, value: Any, **options: Any) -> list[ImportedItem]:
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())
    plan = ReadPlan(**options)
    file = SourceFile(path)
    list(learn(file, plan))
    return list(read_records(file, plan))


def records(items: list[ImportedItem], kind: type) -> list[Any]:
    return [r for item in items for r in item.records if isinstance(r, kind)]


def test_a_patient_keeps_name_sex_birth_date_and_identifiers(tmp_path: Path) -> None:
    (patient,) = records(read(tmp_path / "b.json", bundle(PATIENT)), Patient)
    assert (patient.name, patient.sex, patient.birth_date) == ("Ada M Sample", Sex.FEMALE, "1990-02-03")
    assert patient.identifiers[0].value == "7"


def test_references_may_point_forwards(tmp_path: Path) -> None:
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": "urn:uuid:p"},
        "code": {"text": "Anaemia"},
    }
    items = read(tmp_path / "b.json", bundle(condition, PATIENT))
    (found,) = records(items, Condition)
    assert found.patient_id == records(items, Patient)[0].id
    assert found.label == "Anaemia"


def test_an_observation_and_its_components_keep_value_unit_range_and_interpretation(tmp_path: Path) -> None:
    observation = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure"}]},
        "effectiveDateTime": "2026-01-02",
        "component": [
            {
                "code": {"text": "Systolic"},
                "valueQuantity": {"value": 150, "unit": "mmHg"},
                "referenceRange": [{"low": {"value": 90}, "high": {"value": 130}}],
                "interpretation": [{"coding": [{"code": "H"}]}],
            }
        ],
    }
    whole, part = records(read(tmp_path / "b.json", bundle(PATIENT, observation)), Observation)
    assert whole.label == "Blood pressure"
    assert (part.label, part.quantity.value, part.quantity.unit) == ("Systolic", 150.0, "mmHg")
    assert (part.reference_range.high, part.interpretation) == (130.0, "H")


def document(data: str, kind: str = "text/plain") -> Json:
    return {
        "resourceType": "DocumentReference",
        "id": "d",
        "subject": {"reference": "Patient/p"},
        "type": {"text": "Letter"},
        "content": [{"attachment": {"contentType": kind, "data": data}}],
    }


def test_notes_come_out_of_base64_in_their_charset(tmp_path: Path) -> None:
    latin = base64.b64encode("Größe 1,80 m".encode("latin-1")).decode()
    (note,) = records(
        read(tmp_path / "b.json", bundle(PATIENT, document(latin, "text/plain; charset=latin-1"))), Note
    )
    assert (note.text, note.title) == ("Größe 1,80 m", "Letter")


def test_html_notes_lose_their_tags_and_scripts(tmp_path: Path) -> None:
    page = "<html><style>p{}</style><body><p>Fever&nbsp;&amp; <b>rash</b></p>"
    page += "<script>x()</script><p>End</p></body></html>"
    data = base64.b64encode(page.encode()).decode()
    (note,) = records(read(tmp_path / "b.json", bundle(PATIENT, document(data, "text/html"))), Note)
    assert note.text == "Fever & rash\n\nEnd"


def test_what_is_no_text_is_skipped_with_its_reason(tmp_path: Path) -> None:
    items = read(
        tmp_path / "b.json", bundle(PATIENT, document("!!!"), {**document("", "application/pdf"), "id": "e"})
    )
    assert [i.skipped for i in items[1:]] == [
        "attachment is not valid base64",
        "attachment of type application/pdf holds no plain text",
    ]


def test_a_document_bundles_narrative_becomes_a_note(tmp_path: Path) -> None:
    composition = {
        "resourceType": "Composition",
        "title": "Summary",
        "subject": {"reference": "urn:uuid:p"},
        "section": [
            {"title": "Problems", "text": {"div": "<div>Seizures</div>"}, "section": [{"title": "None"}]}
        ],
    }
    (note,) = records(read(tmp_path / "b.json", bundle(composition, PATIENT, kind="document")), Note)
    assert note.text == "Problems:\nSeizures"


def test_a_record_whose_patient_was_not_sent_is_filed_and_said(tmp_path: Path) -> None:
    stray = {"resourceType": "Condition", "subject": {"reference": "Patient/x"}, "code": {"text": "A"}}
    (item,) = read(tmp_path / "b.json", stray)
    assert item.remarks == ("its patient was not sent; filed under an unnamed patient",)
    (item,) = read(tmp_path / "b.json", {"resourceType": "Condition", "code": {"text": "A"}})
    assert item.skipped == "it does not say whose it is"


def test_fields_of_a_wrong_type_are_left_out_and_named(tmp_path: Path) -> None:
    odd = {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p"},
        "code": "A",
        "onsetDateTime": 7,
    }
    item = read(tmp_path / "b.json", bundle(PATIENT, odd))[1]
    assert len(item.records) == 1
    assert set(item.remarks) == {"field code not read", "field onsetDateTime not read"}


@pytest.mark.parametrize("zipped", [False, True])
def test_ndjson_is_read_plain_and_gzip(tmp_path: Path, zipped: bool) -> None:
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/p"}, "code": {"text": "A"}}
    data = b"".join(json.dumps(r).encode() + b"\n" for r in (condition, PATIENT))
    items = read(tmp_path / "x.ndjson", gzip.compress(data) if zipped else data)
    assert [i.kind for i in items] == ["Patient", "Condition"]


@pytest.mark.parametrize(
    ("resource", "version"),
    [
        ({"resourceType": "CapabilityStatement", "fhirVersion": "3.0.1"}, "STU3"),
        ({"resourceType": "MedicationOrder"}, "DSTU2"),
        ({"resourceType": "Condition", "clinicalStatus": "active", "subject": {}}, "STU3"),
        ({"resourceType": "Encounter", "class": [{"coding": []}]}, "R5"),
        ({"resourceType": "ImplementationGuide", "fhirVersion": ["5.0.0"]}, "R5"),
    ],
)
def test_other_fhir_versions_are_refused_by_name(tmp_path: Path, resource: Json, version: str) -> None:
    with pytest.raises(ImportRefused, match=f"FHIR {version}"):
        read(tmp_path / "b.json", bundle(resource))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b'{"a": 1}', "no FHIR resource"),
        (b'{"resourceType": "Bundle", "entry": 5}', "not a list"),
        (gzip.compress(b'{"resourceType": "Patient"}' * 50, mtime=0)[:-20], "cut.* damaged"),
        (b'{"resourceType": "Patient", "id": "a", "id": "b"}', "twice"),
    ],
)
def test_broken_files_get_one_clear_error(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(ImportRefused, match=says):
        read(tmp_path / "b.json", data)


@pytest.mark.slow
def test_a_huge_bundle_is_streamed_in_bounded_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "huge.json"
    filler = "x" * 2000
    with path.open("w") as stream:
        stream.write('{"resourceType":"Bundle","type":"collection","entry":[')
        stream.write(json.dumps({"resource": PATIENT}))
        for number in range(6_000):
            condition: Json = {"resourceType": "Condition", "id": str(number), "note": [{"text": filler}]}
            condition |= {"subject": {"reference": "Patient/p"}, "code": {"text": "A"}}
            stream.write("," + json.dumps({"resource": condition}))
        stream.write("]}")
    limits = ReadLimits(largest_document=1 << 20)
    table = ReferenceTable()
    tracemalloc.start()
    list(learn_references(SourceFile(path).open, table, name="huge", limits=limits))
    count = sum(bool(i.records) for i in read_fhir(SourceFile(path).open, table, name="huge", limits=limits))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 6_001
    assert peak < path.stat().st_size / 2


def test_a_huge_bundle_that_is_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_text(
        '{"resourceType":"Bundle","entry":[' + '{"resource":{"resourceType":"Basic"}},' * 100, "utf-8"
    )
    with pytest.raises(ImportRefused, match="cut short"):
        list(
            read_fhir(
                SourceFile(path).open, ReferenceTable(), name="cut", limits=ReadLimits(largest_document=100)
            )
        )


def test_text_of_markup_keeps_blocks_apart() -> None:
    assert plain_text("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>") == "a b\n\nc"

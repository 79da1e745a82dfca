"""C-CDA documents: negations stay negations, values keep unit and range, each section is in the note."""

import base64
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import (
    AllergyIntolerance,
    Condition,
    FamilyMemberHistory,
    MedicationRequest,
    Observation,
    Procedure,
    Quantity,
    ReferenceRange,
)
from app.errors import ImportRefused
from app.exchange.ccda_value import time_of
from app.exchange.item import ReadLimits
from app.exchange.source_file import source_files
from knowledge_graph.findings.finding import Sex
from tests.app.exchange.foreign_files import nouns, read_all, write

NAMES = 'xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc"'
NAMES += ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
ADA = """<recordTarget><patientRole><id root="1.2.3" extension="7"/><id nullFlavor="UNK"/><patient>
<name use="L"><given>Ada</given><family>Sample</family></name><administrativeGenderCode code="F"/>
<birthTime value="19900203"/><sdtc:deceasedInd value="true"/></patient></patientRole></recordTarget>"""
NO_DRUG = "410942007"  # "drug or medication": how a document says that there is none
SCT = 'codeSystem="2.16.840.1.113883.6.96"'


def document(body: str, who: str = ADA) -> bytes:
    whole = f"<component><structuredBody>{body}</structuredBody></component>"
    return f'<ClinicalDocument {NAMES}><id root="1.9"/>{who}{whole}</ClinicalDocument>'.encode()


def section(code: str, entry: str, text: str = "", title: str = "T") -> str:
    return (
        f'<component><section><code code="{code}"/><title>{title}</title><text>{text}</text>'
        f"<entry>{entry}</entry></section></component>"
    )


def read(tmp_path: Path, kind: type, *sections: str) -> list[Any]:
    return nouns(read_all(write(tmp_path / "d.xml", document("".join(sections)))), kind)


def problem(value: str, more: str = "", negated: str = "false") -> str:
    return (
        f'<act><entryRelationship><observation negationInd="{negated}">{more}{value}'
        "</observation></entryRelationship></act>"
    )


def test_the_patient_is_the_same_person_as_in_fhir(tmp_path: Path) -> None:
    fhir = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3", "value": "7"}]}
    (other,) = nouns(read_all(write(tmp_path / "p.json", fhir)), Patient)
    (patient,) = read(tmp_path, Patient)
    assert (patient.id, patient.name, patient.birth_date) == (other.id, "Ada Sample", "1990-02-03")
    assert (patient.sex, patient.deceased) == (Sex.FEMALE, True)


def test_problems_keep_onset_end_and_negation(tmp_path: Path) -> None:
    when = '<effectiveTime><low value="20140402"/><high value="20140405"/></effectiveTime>'
    sore = problem(f'<value xsi:type="CD" code="1" {SCT} displayName="Pharyngitis"/>', when)
    ruled_out = problem(f'<value xsi:type="CD" code="44054006" {SCT} displayName="Diabetes"/>', "", "true")
    none = problem(f'<value xsi:type="CD" code="55607006" {SCT} displayName="Problem"/>', "", "true")
    found = read(tmp_path, Condition, *(section("11450-4", entry) for entry in (sore, ruled_out, none)))
    assert [(c.label, c.onset, c.abatement, c.clinical_status) for c in found[:1]] == [
        ("Pharyngitis", "2014-04-02", "2014-04-05", "resolved")
    ]
    assert [(c.label, c.verification_status) for c in found[1:]] == [("Diabetes", "refuted")]


def test_a_code_without_a_name_is_called_what_the_narrative_says(tmp_path: Path) -> None:
    value = (
        '<value xsi:type="CD" nullFlavor="OTH"><originalText><reference value="#p"/></originalText></value>'
    )
    text = '<table><tr><td ID="p">Burnt  ear</td></tr></table>'
    (condition,) = read(tmp_path, Condition, section("11450-4", problem(value), text))
    assert condition.label == "Burnt ear"


def interval(ends: str) -> str:
    return f'<value xsi:type="IVL_PQ">{ends}</value>'


def result(value: str, more: str = "") -> str:
    code = '<code code="718-7" codeSystem="2.16.840.1.113883.6.1" displayName="Hb"/>'
    return (
        f'<organizer><effectiveTime value="202001020304+0100"/><component><observation>{code}'
        f'<statusCode code="completed"/>{value}{more}</observation></component></organizer>'
    )


@pytest.mark.parametrize(
    ("value", "quantity", "text"),
    [
        ('<value xsi:type="PQ" value="9.5" unit="g/dL"/>', Quantity(9.5, "g/dL"), ""),
        (interval('<low value="500" unit="mg" inclusive="false"/>'), Quantity(500, "mg", ">"), ""),
        (interval('<low value="0"/><high value="5" unit="mg"/>'), Quantity(5, "mg", "<="), ""),
        ('<value xsi:type="ST">Amber</value>', None, "Amber"),
        ('<value xsi:type="CD" code="1" displayName="Detected"/>', None, "Detected"),
        ('<value xsi:type="PQ" nullFlavor="UNK"/>', None, "no value: not given"),
        (
            '<value xsi:type="PQ" nullFlavor="OTH"><translation value="152">'
            "<originalText>THOUS</originalText></translation></value>",
            Quantity(152.0, "THOUS"),
            "",
        ),
    ],
)
def test_every_type_of_result_arrives(
    tmp_path: Path, value: str, quantity: Quantity | None, text: str
) -> None:
    (seen,) = read(tmp_path, Observation, section("30954-2", result(value)))
    assert (seen.quantity, seen.value_text, seen.effective_at) == (
        quantity,
        text,
        "2020-01-02T03:04:00+01:00",
    )
    assert seen.codings[0].system == "http://loinc.org"


def test_a_result_keeps_its_range_and_flag_and_leaves_what_is_nested_alone(tmp_path: Path) -> None:
    span = interval('<low value="12" unit="g/dL"/><high value="16" unit="g/dL"/>')
    more = (
        f'<interpretationCode code="L"/><referenceRange><observationRange>{span}</observationRange>'
        "</referenceRange>"
        '<entryRelationship><observation><code code="246514001"/></observation></entryRelationship>'
    )
    value = '<value xsi:type="PQ" value="9.5" unit="g/dL"/>'
    (seen,) = read(tmp_path, Observation, section("30954-2", result(value, more)))
    assert (seen.reference_range, seen.interpretation) == (ReferenceRange(12.0, 16.0), "L")


def within(path: str, inner: str) -> str:
    """`inner` inside nested elements; a path's words may carry attributes."""
    for word in reversed(path.split("/")):
        inner = f"<{word}>{inner}</{word.split()[0]}>"
    return inner


def coded(name: str) -> str:
    return f'<value xsi:type="CD" code="1" displayName="{name}"/>'


def drug(name: str, negated: str) -> str:
    product = f'<code code="1" displayName="{name}"/>'
    product = within("consumable/manufacturedProduct/manufacturedMaterial", product)
    given = f'<statusCode code="active"/><doseQuantity value="2" unit="mg"/>{product}'
    return within(f'substanceAdministration negationInd="{negated}"', given)


def allergy(negated: str, code: str) -> str:
    agent = within("participant/participantRole/playingEntity", f"<code {code}/>")
    hives = within('entryRelationship typeCode="MFST"/observation', coded("Hives"))
    return within(f'act/entryRelationship/observation negationInd="{negated}"', agent + hives)


FATHER = within(
    "organizer",
    within("subject/relatedSubject", '<code code="FTH" displayName="father"/>')
    + within(
        "component/observation",
        coded("Stroke")
        + within(
            "entryRelationship/observation",
            '<code code="445518008"/><value xsi:type="PQ" value="72" unit="a"/>',
        ),
    )
    + within('component/observation negationInd="true"', coded("Asthma")),
)


def test_medications_allergies_procedures_and_relatives_arrive(tmp_path: Path) -> None:
    done = '<procedure moodCode="{}" negationInd="{}"><code code="1" displayName="{}"/></procedure>'
    whole = [
        *(section("10160-0", drug("Valproate", n)) for n in ("false", "true")),
        section("48765-2", allergy("false", 'code="1" displayName="Nuts"')),
        section("48765-2", allergy("true", 'code="105590001"')),
        section("47519-4", done.format("EVN", "false", "Biopsy")),
        section("47519-4", done.format("EVN", "true", "Scan") + done.format("INT", "false", "Planned")),
        section("10157-6", FATHER),
    ]
    drugs = read(tmp_path, MedicationRequest, *whole)
    assert [(m.label, m.status, m.dosage) for m in drugs] == [
        *(("Valproate", "active", "2 mg"), ("Valproate", "not-taken", "2 mg")),
    ]
    allergies = read(tmp_path, AllergyIntolerance, *whole)
    assert [a.label for a in allergies] == ["Nuts", "No known allergies"]
    assert allergies[0].reactions == ("Hives",)
    acts = read(tmp_path, Procedure, *whole)
    assert [(p.label, p.status) for p in acts] == [("Biopsy", ""), ("Scan", "not-done")]
    (relative,) = read(tmp_path, FamilyMemberHistory, *whole)
    assert (relative.relationship, relative.conditions) == ("father", ("Stroke (from 72 a)",))


def test_every_section_is_in_the_note_and_attached_letters_are_notes(tmp_path: Path) -> None:
    letter = base64.b64encode(rb"{\rtf1 Has a rash.}").decode()
    act = f'<act><text representation="B64" mediaType="text/rtf">{letter}</text></act>'
    text = "<paragraph>Fever.</paragraph><list><item>Rash</item><item>Ache</item></list>"
    whole = (section("1", "", text, "Plan"), section("34746-8", act, "See letter.", "Notes"))
    narrative, attached = read(tmp_path, Note, *whole)
    assert narrative.text == "Plan:\nFever.\n\nRash\n\nAche\n\nNotes:\nSee letter."
    assert attached.text == "Has a rash."


def test_a_document_without_sections_is_read_from_its_body(tmp_path: Path) -> None:
    text = base64.b64encode(b"Seizures.").decode()
    body = f'<text mediaType="text/plain" representation="B64">{text}</text>'
    body = within("component/nonXMLBody", body)
    whole = f"<ClinicalDocument {NAMES}>{ADA}{body}</ClinicalDocument>".encode()
    assert [n.text for n in nouns(read_all(write(tmp_path / "d.xml", whole)), Note)] == ["Seizures."]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (document("")[:-9], "not valid XML or cut short"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]>' + document(""), "declares a document type"),
        (document("", ADA * 2), "does not name one patient"),
        (document("<x>" * 200 + "</x>" * 200), "nested deeper than 100"),
        (f"<section {NAMES}/>".encode(), "a part of a C-CDA document"),
    ],
)
def test_what_is_no_whole_document_is_refused_in_one_line(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(ImportRefused, match=says):
        read_all(write(tmp_path / "d.xml", data))


def test_times_are_dates_that_exist() -> None:
    assert time_of("20200102030405.123-0500") == "2020-01-02T03:04:05-05:00"
    assert [time_of(t) for t in ("2020", "202002", "20200230", "20200102250000", "x")] == [
        *("2020", "2020-02", "", "2020-01-02", ""),
    ]


@pytest.mark.slow
def test_every_vendors_document_is_read_whole(shared_data: Path) -> None:
    """Counted against the elements themselves, by plain ElementTree."""
    counted: Counter[str] = Counter()
    hl7 = "{urn:hl7-org:v3}"
    paths = sorted((shared_data / "ccda").glob("*.zip"))
    documents = [f for f in source_files(paths, ReadLimits()) if b"<ClinicalDocument" in f.open().read(3000)]
    for file in documents:
        root = ElementTree.parse(file.open()).getroot()
        for part in root.iter(f"{hl7}section"):
            code = part.find(f"{hl7}code")
            if code is not None and code.get("code") == "10160-0":
                inside = f"{hl7}consumable/{hl7}manufacturedProduct/{hl7}manufacturedMaterial/{hl7}code"
                for given in part.iter(f"{hl7}substanceAdministration"):
                    codes = {c.get("code", "") for drug in given.findall(inside) for c in drug.iter()}
                    counted["MedicationStatement"] += bool(codes - {"", NO_DRUG})
    from app.exchange.reader import ReadPlan, learn, read_records

    plan = ReadPlan()
    for file in documents:
        list(learn(file, plan))
    items = [item for file in documents for item in read_records(file, plan)]
    kinds = Counter(item.kind for item in items if item.records)
    assert len(documents) == kinds["Patient"] == kinds["Composition"] == 30
    assert kinds["MedicationStatement"] == counted["MedicationStatement"]


def test_entries_that_share_an_id_stay_apart_and_a_later_word_replaces_the_first(tmp_path: Path) -> None:
    same = '<id root="1.2.3"/><effectiveTime><low value="2019"/>{}</effectiveTime>'

    def of(name: str, end: str = "") -> str:
        return section("11450-4", problem(coded(name), same.format(end)))

    gout, fever = read(tmp_path, Condition, of("Gout"), of("Fever"), of("Gout"))[:2]
    assert (gout.label, fever.label) == ("Gout", "Fever")
    assert gout.id != fever.id
    (later,) = read(tmp_path, Condition, of("Gout", '<high value="2020"/>'))
    assert (later.id, later.clinical_status) == (gout.id, "resolved")
    twice = read(tmp_path, Condition, of("Gout"), of("Gout", '<high value="2020"/>'))
    assert len({c.id for c in twice}) == 2

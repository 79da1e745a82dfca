"""HL7 v2 messages: each type of value, text reports as notes, escapes, encodings, corrections."""

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
    Encounter,
    Observation,
    Quantity,
    ReferenceRange,
)
from app.errors import ImportRefused
from app.exchange.hl7v2 import ANSWER, CANCELS, JOINS, NOBODY
from app.exchange.hl7v2_message import Marks, unescaped
from app.exchange.item import ReadLimits
from app.exchange.note_text import OTHER_ENCODING
from app.exchange.source_file import source_files
from knowledge_graph.findings.finding import Sex
from tests.app.exchange.foreign_files import nouns, read_all, write

PID = "PID|||7^^^&1.2.3&ISO^MR~123^^^SSA^SS||Sample^Ada^Maria^^^^L~Old^Ada^^^^^M||19900203|F"
OBR = "OBR|1|P1|F1|CBC^Blood count^L|||202001020304"


def message(*segments: str, event: str = "ORU^R01", charset: str = "UNICODE UTF-8") -> bytes:
    head = f"MSH|^~\\&|LAB|H|APP|H|20200102||{event}|1|P|2.5||||||{charset}"
    return "\r".join((head, *segments)).encode("latin-1" if charset == "8859/1" else "utf-8")


def read(tmp_path: Path, kind: type, *segments: str, **how: str) -> list[Any]:
    return nouns(read_all(write(tmp_path / "m.hl7", message(*segments, **how))), kind)


def test_the_patient_is_the_same_person_as_in_fhir(tmp_path: Path) -> None:
    fhir = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3", "value": "7"}]}
    (other,) = nouns(read_all(write(tmp_path / "p.json", fhir)), Patient)
    (patient,) = read(tmp_path, Patient, PID, event="ADT^A01")
    assert (patient.id, patient.name, patient.birth_date) == (other.id, "Ada Maria Sample", "1990-02-03")
    assert (patient.sex, patient.identifiers[1].system) == (Sex.FEMALE, "urn:hl7v2:SSA")


def test_a_range_of_digits_and_blanks_takes_no_time_that_grows_with_its_square(tmp_path: Path) -> None:
    for odd in ("5" + 100_000 * " " + "?", 100_000 * "5" + "?"):
        (value,) = read(tmp_path, Observation, PID, OBR, obx("NM", "9", f"|mg/L|{odd}|H|||F"))
        assert value.reference_range == ReferenceRange(text=odd)


def obx(kind: str, value: str, rest: str = "|mg/L|1-5|H|||F") -> str:
    return f"OBX|1|{kind}|718-7^Hb^LN^X^local^L||{value}{rest}"


@pytest.mark.parametrize(
    ("kind", "value", "quantity", "text"),
    [
        *(("NM", "9.5", Quantity(9.5, "mg/L"), ""), ("NM", "<5", Quantity(5.0, "mg/L", "<"), "")),
        *(("SN", ">^5", Quantity(5.0, "mg/L", ">"), ""), ("SN", "^1^:^128", None, "1:128 mg/L")),
        *(("SN", "^2^+", None, "2+ mg/L"), ("ST", "a \\T\\ b\\S\\c", None, "a & b^c")),
        ("TS", "20200102030460", None, "2020-01-02"),
        *(("CE", "P^Positive^L", None, "Positive"), ("CWE", "10828004^Positive^SCT", None, "Positive")),
        *(
            ("DT", "20200102", None, "2020-01-02"),
            ("TS", "20200102030460", None, "2020-01-02"),
            ("NM", "", None, "no value: not given"),
        ),
        *(("NM", "hemolysed", None, "hemolysed mg/L"), ("ST", "A~B", None, "A; B")),
    ],
)
def test_every_type_of_value_arrives(
    tmp_path: Path, kind: str, value: str, quantity: Quantity | None, text: str
) -> None:
    (seen,) = read(tmp_path, Observation, PID, OBR, obx(kind, value))
    assert (seen.quantity, seen.value_text) == (quantity, text)
    assert [(c.system, c.code) for c in seen.codings] == [("http://loinc.org", "718-7"), ("urn:hl7v2:L", "X")]
    assert (seen.interpretation, seen.effective_at, seen.status) == ("H", "2020-01-02T03:04:00", "final")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        *(("12-16", ReferenceRange(12.0, 16.0)), ("12.5 - 16", ReferenceRange(12.5, 16.0))),
        *(("<5", ReferenceRange(high=5.0)), (">=3", ReferenceRange(low=3.0))),
        *(("negative", ReferenceRange(text="negative")), ("5", ReferenceRange(text="5")), ("", None)),
    ],
)
def test_a_range_is_read_or_kept_as_words(tmp_path: Path, text: str, span: ReferenceRange | None) -> None:
    (seen,) = read(tmp_path, Observation, PID, OBR, obx("NM", "1", f"|mg/L|{text}||||F"))
    assert seen.reference_range == span


def test_lines_of_a_report_become_one_note_with_its_comments(tmp_path: Path) -> None:
    lines = ("OBX|1|TX|R^Report^L||Heart: normal.~Lungs: clear.", "OBX|2|FT|R^Report^L||No\\.br\\effusion ^.")
    segments = (
        PID,
        OBR,
        *lines,
        "NTE|1||Read by phone.",
        "OBR|2||F2|X^Other^L",
        "OBX|1|TX|R^Report^L||Else.",
    )
    notes = {(n.title, n.text) for n in read(tmp_path, Note, *segments)}
    assert notes == {
        ("Report", "Heart: normal.\nLungs: clear.\nNo\neffusion ^."),
        *(("Comments", "Read by phone."), ("Report", "Else.")),
    }
    assert [r.label for r in read(tmp_path, DiagnosticReport, *segments)] == ["Blood count", "Other"]


def test_encapsulated_data_is_a_note_or_skipped_with_its_reason(tmp_path: Path) -> None:
    data = base64.b64encode("Fièvre.".encode()).decode()
    segments = [
        f"OBX|{n}|ED|R{n}^Letter^L||^TEXT^{kind}^Base64^{data}||||||F"
        for n, kind in enumerate(("XML", "PDF"))
    ]
    items = read_all(write(tmp_path / "m.hl7", message(PID, OBR, *segments)))
    assert [n.text for n in nouns(items, Note)] == ["Fièvre."]
    assert [i.skipped for i in items if i.skipped] == [
        "attachment of type application/pdf holds no plain text"
    ]


def test_a_correction_replaces_and_a_deletion_withdraws(tmp_path: Path) -> None:
    first, corrected, deleted = (
        read(tmp_path, Observation, PID, OBR, obx("NM", value, f"|||||| {status}".replace(" ", "")))[0]
        for value, status in (("1", "F"), ("2", "C"), ("2", "D"))
    )
    assert first.id == corrected.id == deleted.id
    assert (corrected.status, deleted.status) == ("corrected", "entered-in-error")
    assert read(tmp_path, Note, PID, OBR, "OBX|1|TX|R^Report^L||Wrong.||||||D") == []


def test_visits_allergies_and_diagnoses_arrive(tmp_path: Path) -> None:
    visit = "|".join(["PV1", "1", "I", *[""] * 16, "V9^^^&1.5&ISO", *[""] * 24, "202001020304"])
    segments = (
        PID,
        visit,
        "AL1|1|DA|1^Oxycodone||Seizure~Vomiting|2019",
        "DG1|1||G40.9^Epilepsy^I10||20200102",
    )
    (stay,) = read(tmp_path, Encounter, *segments, event="ADT^A01")
    assert (stay.kind, stay.started_at) == ("IMP", "2020-01-02T03:04:00")
    (allergy,) = read(tmp_path, AllergyIntolerance, *segments)
    assert (allergy.label, allergy.reactions) == ("Oxycodone", ("Seizure", "Vomiting"))
    (condition,) = read(tmp_path, Condition, *segments)
    assert (condition.label, condition.codings[0].code, condition.recorded_at) == (
        "Epilepsy",
        "G40.9",
        "2020-01-02",
    )


@pytest.mark.parametrize(
    ("kind", "segments", "why"),
    [
        *(
            ("ACK^R01", ("MSA|AA|1",), ANSWER),
            ("ADT^A40", (PID, "MRG|8"), JOINS),
            ("ADT^A11", (PID,), CANCELS),
        ),
        ("ORU^R01", (OBR,), NOBODY),
    ],
)
def test_what_holds_no_record_says_why(
    tmp_path: Path, kind: str, segments: tuple[str, ...], why: str
) -> None:
    items = read_all(write(tmp_path / "m.hl7", message(*segments, event=kind)))
    assert [(i.kind, i.skipped) for i in items] == [("Message", why)]


def test_messages_in_batches_frames_and_other_encodings_are_read(tmp_path: Path) -> None:
    odd = PID.replace("Sample", "Müller").replace("7^^^", "8^^^").replace("1990", "1980")
    one, two = message(PID), message(odd, charset="8859/1")
    framed = (
        b"FHS|^~\\&\rBHS|^~\\&\r\x0b" + one + b"\r\x1c\r\x0b" + two.replace(b"\r", b"\r\n") + b"\x1c\rBTS|2\r"
    )
    people = nouns(read_all(write(tmp_path / "m.hl7", framed)), Patient)
    assert [p.name for p in people] == ["Ada Maria Sample", "Ada Maria Müller"]


@pytest.mark.parametrize("charset", ["UNICODE UTF-16", "UTF-16", "8859/12", "no such"])
def test_a_charset_that_the_header_belies_is_not_believed(tmp_path: Path, charset: str) -> None:
    odd = message(PID.replace("Sample", "Mueller"), charset=charset)
    for data in (odd, odd + b"\r"):  # of even and of odd length
        (patient,) = nouns(read_all(write(tmp_path / "m.hl7", data)), Patient)
        assert patient.name == "Ada Maria Mueller"


def test_letters_read_in_an_encoding_that_nobody_named_are_remarked(tmp_path: Path) -> None:
    named, unnamed = (message(PID.replace("Sample", "M\xfcller"), charset=c) for c in ("8859/1", ""))
    odd = unnamed.decode("utf-8").encode("latin-1")
    for data, remarks in ((named, ()), (odd, (OTHER_ENCODING,))):
        (item,) = read_all(write(tmp_path / "m.hl7", data))
        (patient,) = item.records
        assert isinstance(patient, Patient)
        assert (patient.name, item.remarks) == ("Ada Maria M\xfcller", remarks)


def test_separators_are_those_that_the_message_declares(tmp_path: Path) -> None:
    data = message(PID, OBR, obx("NM", "9.5")).replace(b"~", b"!").replace(b"^", b"$").replace(b"|", b"#")
    (seen,) = nouns(read_all(write(tmp_path / "m.hl7", data)), Observation)
    assert seen.quantity == Quantity(9.5, "mg/L")


def test_escapes_become_what_they_stand_for() -> None:
    marks = Marks("|", "^", "~", "\\", "&")
    for text, plain in (
        *(
            ("a\\F\\b", "a|b"),
            ("\\H\\bold\\N\\", "bold"),
            ("\\X C3A9\\".replace(" ", ""), "é"),
            ("50\\E\\60", "50\\60"),
        ),
        *(("a\\.sp2\\b", "a\nb"), ("C:\\temp", "C:\\temp"), ("\\Zxx\\", "")),
    ):
        assert unescaped(text, marks) == plain


def test_a_file_without_a_message_is_refused(tmp_path: Path) -> None:
    for data, says in (
        (b"FHS|^~\\&\rFTS|0", "no MSH segment"),
        (b"MSH|^~", "does not declare its separators"),
        (message(PID) + b"\rMSH\xf9^~\\&\xf9A\xf9B", "does not declare its separators"),
        (message(PID) + b"\rMSHS^~\\&SASB", "does not declare its separators"),
    ):
        with pytest.raises(ImportRefused, match=says):
            read_all(write(tmp_path / "m.hl7", data))


@pytest.mark.slow
def test_every_real_message_is_read_or_says_why(shared_data: Path) -> None:
    paths = sorted((shared_data / "hl7v2").glob("*.zip"))
    files = list(source_files(paths, ReadLimits()))
    from app.exchange.reader import ReadPlan, learn, read_records

    plan = ReadPlan()
    for file in files:
        list(learn(file, plan))
    read = {file.member: list(read_records(file, plan)) for file in files}
    assert len(read) == 19
    for member, items in read.items():
        people = [i for i in items if i.kind == "Patient"]
        answers = [i for i in items if i.skipped == ANSWER]
        assert len(people) + len(answers) >= 1, member
        assert bool(answers) == ("ack" in member), member

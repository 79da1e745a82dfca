"""What a file is comes from its bytes: each kind is read as itself, others are refused by name."""

import zipfile
from pathlib import Path

import pytest

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import Condition, PhenotypicFeature
from app.errors import ImportRefused
from app.exchange.item import ReadLimits
from app.exchange.reader import ReadPlan, read_records
from app.exchange.source_file import SourceFile, kind_of, source_files
from knowledge_graph.findings.finding import FindingState
from tests.app.exchange.test_reading import PATIENT, bundle, read, records


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b'<Patient xmlns="http://hl7.org/fhir"/>', "FHIR XML"),
    ],
)
def test_formats_that_are_not_read_are_refused_by_name(tmp_path: Path, head: bytes, kind: str) -> None:
    assert kind_of(_file(tmp_path, head)) == kind
    with pytest.raises(ImportRefused, match=f"this is {kind}"):
        list(read_records(_file(tmp_path, head), ReadPlan()))


def _file(folder: Path, data: bytes) -> SourceFile:
    path = folder / "x.bin"
    path.write_bytes(data)
    return SourceFile(path)


def test_a_table_is_read_by_its_header_or_by_a_map(tmp_path: Path) -> None:
    table = 'MRN,Sex,DOB,text,When\n7,F,1990-01-01,"Has ""fits"",\nno fever",2026-01-01\n8,M\n'
    items = read(tmp_path / "t.csv", table.encode(), column_map={"date": "When"})
    (note,) = records(items, Note)
    assert (note.text, note.written_at) == ('Has "fits",\nno fever', "2026-01-01")
    assert items[1].skipped == "2 cells where the header has 5"


def test_a_table_without_a_patient_column_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="--map patient_id=COLUMN"):
        read(tmp_path / "t.csv", b"a,b\n1,2\n")


def test_a_plain_text_is_a_note_of_the_patient_it_is_named_after(tmp_path: Path) -> None:
    items = read(tmp_path / "MRN7.txt", b"She has seizures.\r\n")
    assert records(items, Patient)[0].name == "MRN7"
    assert records(items, Note)[0].text == "She has seizures.\r\n"


def test_a_zip_that_points_outside_or_explodes_is_refused(tmp_path: Path) -> None:
    for member, data, says in (("../x.json", b"{}", "outside"), ("a.json", b"0" * 9_000_000, "too tightly")):
        path = tmp_path / "z.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, data)
        (file,) = source_files([path], ReadLimits())
        with pytest.raises(ImportRefused, match=says):
            file.open()


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"%PDF-1.7\n%\xe2", "this is PDF, .*export its text"),
        ("a.json", b"\x89PNG\r\n", "this is a picture"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1", "an old Office document, .*CSV"),
        ("a.json", b"BZh91AY", "a bzip2 file, .*gzip"),
        ("a.dat", b"SQLite format 3\0", "a database, .*CSV"),
    ],
)
def test_what_a_file_is_comes_before_what_it_is_called(
    tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    with pytest.raises(ImportRefused, match=says):
        read(tmp_path / name, data)


def test_fhir_under_another_name_is_read_as_fhir(tmp_path: Path) -> None:
    for name in ("a.txt", "a.csv", "a.dat"):
        assert records(read(tmp_path / name, bundle(PATIENT)), Patient)


def test_an_office_document_is_no_archive_of_records(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
        archive.writestr("xl/sheet1.xml", "<x/>")
    (file,) = source_files([path], ReadLimits())
    assert "save a table as CSV" in file.refused


def test_texts_of_one_name_in_two_folders_are_not_filed_together(tmp_path: Path) -> None:
    plan = ReadPlan()
    items = []
    for folder in ("ada", "bob"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "letter.v2.txt").write_text(f"Of {folder}.", "utf-8")
        items += list(read_records(SourceFile(tmp_path / folder / "letter.v2.txt"), plan))
    assert records(items, Patient)[0].name == "letter.v2"
    assert "may be of another patient" in items[1].skipped


def test_an_rtf_letter_is_a_note(tmp_path: Path) -> None:
    items = read(tmp_path / "MRN7.rtf", rb"{\rtf1\ansi Has seizures.\par No fever.}")
    assert [n.text for n in records(items, Note)] == ["Has seizures.\nNo fever."]


def test_a_phenopacket_brings_features_and_diseases(tmp_path: Path) -> None:
    packet = {
        "id": "pp",
        "subject": {"id": "A", "sex": "MALE"},
        "phenotypicFeatures": [
            {"type": {"id": "HP:0001250", "label": "Seizure"}},
            {"type": {"id": "HP:0001945", "label": "Fever"}, "excluded": True},
        ],
        "interpretations": [{"diagnosis": {"disease": {"id": "OMIM:1", "label": "D"}}}],
        "metaData": {},
    }
    items = read(tmp_path / "p.json", packet)
    features = records(items, PhenotypicFeature)
    assert [(f.finding.term_id, f.finding.state) for f in features] == [
        ("HP:0001250", FindingState.OBSERVED),
        ("HP:0001945", FindingState.EXCLUDED),
    ]
    assert records(items, Condition)[0].codings[0].code == "OMIM:1"

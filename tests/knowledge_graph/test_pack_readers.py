"""Every reader takes what its format allows and refuses the rest with the line and the remedy."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from knowledge_graph.errors import SourceRefused
from knowledge_graph.findings.finding import Sex
from knowledge_graph.sources.pack_reading import read_pack
from knowledge_graph.terms.occurrence import Prevalence, Setting, Urgency

TOML = """
[pack]
id = "ward7"
name = "Ward 7"

[[term]]
id = "double-shadow"
name = "Double shadow"
is_a = ["HP:0000030"]

[[condition]]
name = "Seaside fever"
age_years = [18, 65]
sex = "female"
prevalence = { emergency = "common" }
urgency = "urgent"
source = "Ward 7 protocol"
estimate = true
itself = ["HP:0000010"]
findings = [
  ["HP:0000020", "Fever", "very frequent"],
  ["double-shadow", "Double shadow", "7/12", "Its own article"],
  ["HP:0000030", "Rash", "excluded"],
]
"""
CSV = """disease,finding,frequency,age,sex,prevalence,source
Seaside fever,HP:0000020,frequent,18-65,,rare,Protocol
Seaside fever,HP:0000030,0/12,,female,,Protocol
OMIM:1,HP:0000030,25%,,,,"Smith, 2020"
"""
XML = """<?xml version="1.0" encoding="ISO-8859-1"?>
<JDBOR date="2025-06-24 05:27:52" version="1.3.42 / 4.1.8"><HPODisorderSetStatusList count="1">
<HPODisorderSetStatus id="1"><Disorder id="2"><OrphaCode>3</OrphaCode><Name lang="en">No-fit disease</Name>
<HPODisorderAssociationList count="3">
<HPODisorderAssociation id="1"><HPO id="1"><HPOId>HP:0000020</HPOId><HPOTerm>Fever</HPOTerm></HPO>
<HPOFrequency id="28412"><Name lang="en">Frequent (79-30%)</Name></HPOFrequency></HPODisorderAssociation>
<HPODisorderAssociation id="2"><HPO id="2"><HPOId>HP:0000031</HPOId><HPOTerm>Itchy rash</HPOTerm></HPO>
<HPOFrequency id="28440"><Name lang="fr">Exclu (0%)</Name></HPOFrequency></HPODisorderAssociation>
<HPODisorderAssociation id="3"><HPO id="3"><HPOId>HP:9999999</HPOId><HPOTerm>Newer</HPOTerm></HPO>
<HPOFrequency id="28405"><Name lang="en">Very frequent (99-80%)</Name></HPOFrequency></HPODisorderAssociation>
</HPODisorderAssociationList></Disorder></HPODisorderSetStatus></HPODisorderSetStatusList></JDBOR>
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_toml_pack_says_who_what_how_often_and_by_whom(tmp_path: Path) -> None:
    pack = read_pack(written(tmp_path, "ward.toml", TOML))
    (disease,) = pack.diseases
    assert (disease.disease_id, disease.ages, disease.sex) == ("WARD7:seaside-fever", (18, 65), Sex.FEMALE)
    assert disease.prevalence == {Setting.EMERGENCY: Prevalence.COMMON}
    assert disease.urgency is Urgency.URGENT
    named, fever, shadow, rash = pack.rows
    assert (named.term_id, named.modifier) == ("HP:0000010", "itself")
    assert fever.frequency.text == "very frequent (80-99 %), expert estimate"
    assert (fever.evidence, fever.reference) == ("expert estimate", "Ward 7 protocol")
    assert (shadow.term_id, shadow.frequency.numerator) == ("WARD7:double-shadow", 7)
    assert (shadow.reference, rash.excluded) == ("Its own article", True)
    assert pack.places[1] == "ward.toml:21"
    assert pack.terms[0].parents == ("HP:0000030",)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"very frequent"', '"often"', r"ward.toml:21: 'often' is not a frequency"),
        ('sex = "female"', 'sex = "women"', r"ward.toml:11: 'women' is no sex"),
        ("[18, 65]", "[65, 18]", r"ward.toml:11: ages from 65 to 18"),
        ('emergency = "common"', 'emergency = "usual"', r"ward.toml:15: Invalid enum value 'usual'"),
        ('urgency = "urgent"', "urgncy = 1", r"ward.toml:11: .*unknown field `urgncy`"),
        (
            'source = "Ward 7 protocol"',
            'source = " "',
            r"ward.toml:11: a condition needs a name and a source",
        ),
        ('"Fever", "very frequent"', '"Fever"', r"ward.toml:21: a finding is"),
        ('name = "Ward 7"', 'name = "Ward 7', r"ward.toml is not TOML .*line 4"),
        ('id = "ward7"', 'id = "Ward 7"', r"lower-case"),
        ('id = "ward7"', 'id = "omim"', r"'omim' is HPO's own"),
    ],
)
def test_a_broken_toml_pack_is_refused_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in TOML
    with pytest.raises(SourceRefused, match=says):
        read_pack(written(tmp_path, "ward.toml", TOML.replace(old, new)))


def test_a_condition_that_is_described_twice_is_refused(tmp_path: Path) -> None:
    again = TOML[TOML.index("[[condition]]") :].split("[[term]]")[0]
    where = len(TOML.splitlines()) + 1
    with pytest.raises(SourceRefused, match=rf"ward.toml:{where}: WARD7:seaside-fever .* second time"):
        read_pack(written(tmp_path, "ward.toml", f"{TOML}{again}"))


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_as_spreadsheets_write_it_reads_the_same(tmp_path: Path, separator: str, end: str) -> None:
    path = tmp_path / "ward.csv"
    path.write_bytes(
        CSV.replace('"Smith, 2020"', "Smith 2020").replace(",", separator).replace("\n", end).encode()
    )
    other = written(tmp_path, "other.csv", CSV.replace('"Smith, 2020"', "Smith 2020"))
    assert [r.term_id for r in read_pack(path).rows] == [r.term_id for r in read_pack(other).rows]
    assert read_pack(path).places == ("ward.csv:2", "ward.csv:3", "ward.csv:4")


def test_a_table_named_like_hpos_own_diseases_speaks_for_itself_alone(tmp_path: Path) -> None:
    assert read_pack(written(tmp_path, "omim.csv", CSV)).pack_id == "local_omim"


def test_a_table_of_the_hospital_is_read(tmp_path: Path) -> None:
    pack = read_pack(written(tmp_path, "Ward 7.csv", "\ufeff" + CSV))
    fever, known = pack.diseases
    assert (fever.disease_id, fever.ages, fever.sex) == ("WARD_7:seaside-fever", (18, 65), Sex.FEMALE)
    assert set(fever.prevalence.values()) == {Prevalence.RARE}
    assert known.disease_id == "OMIM:1"
    assert [row.excluded for row in pack.rows] == [False, True, False]
    assert pack.rows[2].reference == "Smith, 2020"
    assert pack.places == ("Ward 7.csv:2", "Ward 7.csv:3", "Ward 7.csv:4")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CSV.replace("0/12", "12/0"), "ward.csv:3: '12/0' is not a frequency"),
        (CSV.replace("18-65", "grown"), "ward.csv:2: 'grown' is no age range"),
        (CSV.replace("0/12,,female", "0/12,1-2,female"), "ward.csv:3: age '1-2' where an earlier line"),
        (CSV.replace(",Protocol\nOMIM", ",\nOMIM"), "ward.csv:3: source is empty"),
        (CSV.replace('"Smith, 2020"', "Smith, 2020"), "ward.csv:4: not 7 cells"),
        (CSV.replace("frequency,age", "frequency,aged"), "ward.csv:1: the header"),
        (CSV.replace("rare,P", "seldom,P"), "ward.csv:2: 'seldom' is no prevalence"),
        (CSV.splitlines()[0], "ward.csv: no line below the header"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SourceRefused, match=says):
        read_pack(written(tmp_path, "ward.csv", text))


def test_orphanet_is_read_and_newer_terms_are_not_its_fault(tmp_path: Path) -> None:
    pack = read_pack(written(tmp_path, "en_product4.xml", XML))
    assert (pack.version, pack.strict) == ("1.3.42 2025-06-24", False)
    assert [d.disease_id for d in pack.diseases] == ["ORPHA:3"]
    assert [(r.term_id, r.frequency.fraction, r.excluded) for r in pack.rows][:2] == [
        ("HP:0000020", 0.55, False),
        ("HP:0000031", 0.0, True),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (XML.replace("<JDBOR", "<!DOCTYPE x [<!ENTITY a 'b'>]><JDBOR"), "DTD or an entity"),
        (XML[:-30], "not whole XML"),
        (XML.replace("JDBOR", "OTHER"), "names no disorder"),
        (XML.replace(">3</OrphaCode>", ">x</OrphaCode>"), "disorder 1 has no OrphaCode"),
        (XML.replace("Frequent (79-30%)", "Now and then").replace("28412", "1"), "none of Orphanet's six"),
    ],
)
def test_a_broken_orphanet_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SourceRefused, match=says):
        read_pack(written(tmp_path, "en_product4.xml", text))


def ddxplus(folder: Path) -> Path:
    """A release of one condition and two questions."""
    question = {"is_antecedent": False, "default_value": 0, "value_meaning": {}, "possible-values": []}
    evidences = {
        "toux": {**question, "name": "toux", "question_fr": "Toux?", "question_en": "Cough?"},
        "douleurxx_carac": {
            **question,
            "name": "douleurxx_carac",
            "question_fr": "Douleur?",
            "question_en": "Pain?",
            "possible-values": ["vive"],
            "value_meaning": {"vive": {"fr": "vive", "en": "sharp"}},
        },
    }
    newer = {
        "E_1": {**evidences["toux"], "name": "E_1"},
        "E_2": {
            **evidences["douleurxx_carac"],
            "name": "E_2",
            "value_meaning": {"V_9": {"fr": "vive", "en": "sharp"}},
        },
    }
    condition = {"condition_name": "Rhume", "cond-name-eng": "URTI", "icd10-id": "j06.9"}
    stats = {
        "Rhume": {"prior": 1.0, "findings": {"toux": 0.75, "douleurxx_carac": {"vive": 1.0, "NA": 1e-07}}}
    }
    files = {
        "release_conditions": {"Rhume": condition},
        "release_evidences": evidences,
        "ddxplus_bed_stats_4": stats,
        "en_release_evidences": newer,
    }
    for name, value in files.items():
        (folder / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(value).encode()))
    return folder


def test_ddxplus_keeps_its_own_words_and_both_of_its_codes(tmp_path: Path) -> None:
    pack = read_pack(ddxplus(tmp_path))
    assert pack.diseases[0].disease_id == "DDXPLUS:urti"
    terms = {str(term.term_id): term for term in pack.terms}
    assert terms["DDXPLUS:toux"].parents == ("HP:0012735",)  # Cough, a certain link
    assert terms["DDXPLUS:toux"].alternative_ids == ("DDXPLUS:E_1",)
    sharp = terms["DDXPLUS:douleurxx_carac_@_vive"]
    assert (sharp.name, sharp.parents) == ("Pain? sharp", ("DDXPLUS:douleurxx_carac",))
    assert sharp.alternative_ids == ("DDXPLUS:E_2_@_V_9",)
    assert [(r.term_id, r.frequency.fraction) for r in pack.rows] == [
        ("DDXPLUS:toux", 0.75),
        ("DDXPLUS:douleurxx_carac_@_vive", 1.0),
    ]


def test_ddxplus_files_of_two_releases_are_refused(tmp_path: Path) -> None:
    folder = ddxplus(tmp_path)
    (folder / "ddxplus_bed_stats_4.json.gz").write_bytes(gzip.compress(b'{"Autre": {}}'))
    with pytest.raises(SourceRefused, match="do not belong together"):
        read_pack(folder)


def ddxplus_english(folder: Path, patients: str) -> Path:
    """The English release as it is published: two JSON files, and the patients zipped, without an ending."""
    meaning = {"V_89": {"fr": "front", "en": "forehead"}}
    asked: tuple[tuple[str, str, list[str], dict[str, dict[str, str]]], ...] = (
        ("E_201", "Cough?", [], {}),
        ("E_55", "Where?", ["V_89"], meaning),
    )
    evidences = {
        code: {"question_fr": words, "question_en": words, "possible-values": answers, "value_meaning": said}
        for code, words, answers, said in asked
    }
    condition = {
        "condition_name": "URTI",
        "cond-name-fr": "Rhume",
        "cond-name-eng": "URTI",
        "icd10-id": "j06.9",
    }
    (folder / "release_conditions.json").write_text(json.dumps({"URTI": condition}), "utf-8")
    (folder / "release_evidences.json").write_text(json.dumps(evidences), "utf-8")
    with zipfile.ZipFile(folder / "release_train_patients.zip", "w") as archive:
        archive.writestr("release_train_patients", patients)
    return folder


PATIENTS = """AGE,DIFFERENTIAL_DIAGNOSIS,SEX,PATHOLOGY,EVIDENCES,INITIAL_EVIDENCE
18,"[['URTI', 1.0]]",M,URTI,"['E_201', 'E_55_@_V_89']",E_201
50,"[['URTI', 1.0]]",F,URTI,"['E_201']",E_201
51,"[['URTI', 1.0]]",F,URTI,"[]",E_201
"""


def test_the_english_ddxplus_release_is_counted_from_its_patients(tmp_path: Path) -> None:
    pack = read_pack(ddxplus_english(tmp_path, PATIENTS))
    assert [(d.disease_id, d.icd10cm, d.same_as) for d in pack.diseases] == [
        ("DDXPLUS:urti", "J06.9", ("COMMON:common-cold",))
    ]
    terms = {str(term.term_id): (term.name, term.parents) for term in pack.terms}
    assert terms["DDXPLUS:E_201"] == ("Cough?", ("HP:0012735",))
    assert terms["DDXPLUS:E_55_@_V_89"] == ("Where? forehead", ("DDXPLUS:E_55", "HP:0002315"))
    assert [(r.term_id, r.frequency.text) for r in pack.rows] == [
        ("DDXPLUS:E_201", "2/3"),
        ("DDXPLUS:E_55_@_V_89", "1/3"),
    ]


@pytest.mark.parametrize(
    ("patients", "says"),
    [
        (PATIENTS.replace("E_55_", "E_56_"), "release_train_patients.zip speaks of DDXPLUS:E_56_@_V_89"),
        (PATIENTS.replace("SEX,", "S,"), "lacks the columns"),
        (PATIENTS.replace("50,", "old,"), "release_train_patients.zip:3: not whole"),
        (PATIENTS.replace("50,", "²,"), "release_train_patients.zip:3: not whole"),
        (PATIENTS.replace("50,", "5" * 5000 + ","), "release_train_patients.zip:3: not whole"),
        (PATIENTS.replace("['E_201']", "__import__('os')"), "zip:3: EVIDENCES is no list"),
        (PATIENTS.replace("URTI,", "Rhume,"), "do not belong together"),
    ],
)
def test_a_broken_table_of_patients_is_refused(tmp_path: Path, patients: str, says: str) -> None:
    with pytest.raises(SourceRefused, match=says):
        read_pack(ddxplus_english(tmp_path, patients))


@pytest.mark.parametrize("files", [(), ("a", "b")])
def test_an_archive_that_is_no_table_is_refused(tmp_path: Path, files: tuple[str, ...]) -> None:
    folder = ddxplus_english(tmp_path, PATIENTS)
    with zipfile.ZipFile(folder / "release_train_patients.zip", "w") as archive:
        for name in files:
            archive.writestr(name, PATIENTS)
    with pytest.raises(SourceRefused, match="one table is due"):
        read_pack(folder)
    (folder / "release_train_patients.zip").write_bytes(b"PK no archive")
    with pytest.raises(SourceRefused, match="cannot be read"):
        read_pack(folder)


def test_what_is_no_pack_is_told_so(tmp_path: Path) -> None:
    for path, says in (
        (tmp_path, "no DDXPlus release"),
        (tmp_path / "none.toml", "cannot be read"),
        (written(tmp_path, "a.txt", "x"), "no pack: name a .toml"),
    ):
        with pytest.raises(SourceRefused, match=says):
            read_pack(path)
    (tmp_path / "latin.csv").write_bytes("disease\né".encode("latin-1"))
    with pytest.raises(SourceRefused, match=r"latin.csv:2: not UTF-8"):
        read_pack(tmp_path / "latin.csv")


def test_what_was_read_is_kept_by_its_content(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    path = written(tmp_path, "ward.toml", TOML)
    first = read_pack(path, cache)
    (kept,) = cache.iterdir()
    assert read_pack(path, cache) == first
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")  # damaged: read anew
    assert read_pack(path, cache) == first
    path.write_text(TOML.replace("Seaside", "Hillside"), "utf-8")
    assert read_pack(path, cache).diseases[0].name == "Hillside fever"

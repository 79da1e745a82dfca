"""Rules in a diagnosis: from a chart's values and codes to alerts; a constraint's share has its own line."""

import json
import math
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path

import pytest

from app.cli.main import main
from app.clinical.chart import Chart
from app.clinical.diagnosis import Differential
from app.clinical.ids import NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import Coding, Condition, Observation, Quantity, ReferenceRange
from app.errors import RulesRefused
from app.gui.patient.evidence_list import evidence_rows
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.workflows.diagnose import DiagnosisService
from app.workflows.load_rules import load_rules
from app.workflows.present_phenopacket import present_phenopacket
from app.workflows.read_codes import read_codes
from app.workflows.read_laboratory import LOINC, read_laboratory
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.laboratory import by_loinc
from knowledge_graph.terms.term import TermId

ANN = PatientId("ann")
PROSTATE = "OMIM:176807"
URINARY = (Finding(TermId("HP:0012125")),)  # Prostate cancer
OWN = """[sources.house]
name = "House rules of a made-up clinic"

[[red_flag]]
id = "house-fever"
title = "Fever on our ward"
all = ["HP:0001945 Fever"]
urgency = "soon"
action = "Tell the ward doctor."
source = "house"

[[switch_off]]
id = "meningitis"
reason = "A rule of our own is kept elsewhere."
"""


@pytest.fixture(scope="module")
def service(public_cache: Path) -> DiagnosisService:
    return DiagnosisService.load(public_cache, with_text=False)


def observation(
    code: str, value: float, unit: str, *, high: float | None = None, at: str = ""
) -> Observation:
    return Observation(
        RecordId(f"o{code}{at}"),
        ANN,
        code,
        (Coding(LOINC, code),),
        effective_at=at,
        quantity=Quantity(value, unit),
        reference_range=None if high is None else ReferenceRange(None, high),
    )


def shares(differential: Differential) -> list[float]:
    return [
        math.log(line.probability) - line.text_score - line.graph_score - line.same_as_score - line.rule_score
        for line in differential.lines
    ]


OF_2020 = observation("2823-3", 7.0, "mmol/L", at="2020-07-31T08:00:00Z")


def test_the_newest_value_of_each_code_is_read() -> None:
    old, new = observation("2823-3", 7.0, "mmol/L", at="1"), observation("2823-3", 4.0, "mmol/L", high=5.0)
    (lab,) = read_laboratory([old, new, replace(new, status="entered-in-error", quantity=Quantity(9.0))])
    assert (lab.loinc, lab.value, lab.unit, lab.upper, lab.side) == ("2823-3", 4.0, "mmol/L", 5.0, "")


def test_codes_are_read_of_conditions_that_stand() -> None:
    pregnant = Condition(
        RecordId("c"), ANN, "Pregnancy", (Coding("http://hl7.org/fhir/sid/icd-10-cm", "Z33.1"),)
    )
    snomed = replace(pregnant, codings=(Coding("http://snomed.info/sct", "77386006"), Coding("x", "y")))
    over = [replace(pregnant, clinical_status="resolved"), replace(pregnant, verification_status="refuted")]
    assert [(c.system, c.code) for c in read_codes([pregnant, snomed, *over])] == [
        ("ICD-10", "Z33.1"),
        ("SNOMED", "77386006"),
    ]


def test_a_chart_of_values_and_codes_raises_alerts(service: DiagnosisService) -> None:
    chart = Chart(
        Patient(ANN, birth_date="1990-01-01", sex=Sex.FEMALE),
        conditions=(
            Condition(RecordId("c"), ANN, "Pregnancy", (Coding("http://snomed.info/sct", "77386006"),)),
        ),
        observations=(observation("8480-6", 172.0, "mm[Hg]"), observation("2823-3", 6.9, "mmol/L", high=5.1)),
    )
    shown = service.diagnose_chart(chart, today=date(2026, 1, 1))
    assert [a.rule_id for a in shown.rules.alerts] == ["severe-hyperkalaemia", "pre-eclampsia-severe"]
    assert shown.rules.alerts[0].met[0].by == ("6.9 mmol/L",)


def test_what_was_coded_or_measured_long_before_the_newest_entry_is_not_of_now() -> None:
    pregnant = Condition(
        RecordId("c"),
        ANN,
        "Pregnancy",
        (Coding("http://snomed.info/sct", "77386006"),),
        recorded_at="2020-03-01",
    )
    ended = replace(pregnant, recorded_at="", abatement="2020-09-01")
    sickle = replace(pregnant, codings=(Coding("http://hl7.org/fhir/sid/icd-10-cm", "D57.1"),))

    def codes(condition: Condition, newest: date | None = None) -> list[str]:
        return [c.code for c in read_codes([condition], newest=newest)]

    early, late = date(2020, 8, 1), date(2024, 8, 1)
    assert codes(pregnant) == codes(pregnant, early) == codes(ended, early) == ["77386006"]
    assert codes(pregnant, late) == codes(ended, late) == codes(ended) == []
    assert codes(replace(pregnant, onset="2024-05-01"), late) == ["77386006"]
    assert codes(sickle, late) == ["D57.1"]
    assert [lab.value for lab in read_laboratory([OF_2020], newest=early)] == [7.0]
    assert read_laboratory([OF_2020], newest=late) == ()


def test_a_value_that_is_still_to_come_hides_none() -> None:
    ordered = replace(OF_2020, status="registered", quantity=None, effective_at="2020-08-01T12:00:00Z")
    assert [lab.value for lab in read_laboratory([OF_2020, ordered])] == [7.0]


def test_an_old_notes_pregnancy_and_an_old_value_raise_no_alarm(service: DiagnosisService) -> None:
    old, new = (
        Note(NoteId(day), ANN, text, written_at=day)
        for day, text in (("2020-07-31", "She is 30 weeks pregnant. In coma."), ("2020-08-10", "Seizure."))
    )
    chart = Chart(
        Patient(ANN, birth_date="1990-01-01", sex=Sex.FEMALE), notes=(old, new), observations=(OF_2020,)
    )

    def alerts(chart: Chart) -> set[str]:
        asked = service.presentation(chart, today=date(2026, 1, 1))
        return {alert.rule_id for alert in service.trace(asked).alerts}

    assert {"eclampsia", "severe-hyperkalaemia", "coma"} <= alerts(chart)
    later = replace(chart, notes=(old, replace(new, written_at="2024-08-10")))
    assert not alerts(later) & {"eclampsia", "severe-hyperkalaemia", "coma"}


def test_a_seizure_in_pregnancy_is_taken_for_eclampsia(service: DiagnosisService) -> None:
    pregnant = Condition(RecordId("c"), ANN, "Pregnancy", (Coding("http://snomed.info/sct", "77386006"),))
    asked = Presentation(
        (Finding(TermId("HP:0001250")),),
        sex=Sex.FEMALE,
        conditions=read_codes([pregnant]),
    )
    assert "eclampsia" in {alert.rule_id for alert in service.trace(asked).alerts}
    assert "eclampsia" not in {a.rule_id for a in service.trace(replace(asked, conditions=())).alerts}


def test_a_constraint_is_a_line_of_its_own_and_the_parts_add_up(service: DiagnosisService) -> None:
    free = service.diagnose(Presentation(URINARY, sex=Sex.MALE), top=400)
    held = service.diagnose(Presentation(URINARY, sex=Sex.FEMALE), top=20_000)
    for differential in (free, held):
        parts = shares(differential)
        assert max(parts) - min(parts) < 1e-6
    lines = {
        d: next(e for e in shown.lines if e.disease_id == PROSTATE) for d, shown in (("f", held), ("m", free))
    }
    assert lines["m"].rule_score == 0.0
    assert lines["m"].held == ()
    assert (
        lines["f"].rule_score == sum(h.log_factor for h in lines["f"].held) == pytest.approx(-math.log(1e4))
    )
    assert lines["f"].probability < lines["m"].probability
    shown = [row for row in evidence_rows(lines["f"]) if row.text.startswith("Rule: ")]
    assert [row.detail for row in shown] == [lines["f"].held[0].source]


def test_a_hospitals_file_joins_and_switches_off(real_graph: CompiledGraph, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN, encoding="utf-8")
    book = load_rules(real_graph, [file])
    own = next(rule for rule in book.red_flags if rule.id == "house-fever")
    assert (own.origin, book.sources[own.source].name) == (str(file), "House rules of a made-up clinic")
    assert "meningitis" not in {rule.id for rule in book.red_flags}
    assert [off.origin for off in book.switched_off] == [str(file)]


def test_a_file_with_a_mistake_is_refused_whole_with_its_line(
    real_graph: CompiledGraph, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace("HP:0001945 Fever", "HP:0001946 Fever"), encoding="utf-8")
    with pytest.raises(RulesRefused, match=r"own\.toml, line 7: .*'Ketosis', not 'Fever'"):
        load_rules(real_graph, [file])
    with pytest.raises(RulesRefused, match="can't be read"):
        load_rules(real_graph, [tmp_path])
    file.write_bytes(b"# fine\n# \xff\n")
    with pytest.raises(RulesRefused, match="line 2: this is not UTF-8"):
        load_rules(real_graph, [file])


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object], str]:
    code = main([*words[:1], "--json", *words[1:]])
    said = capsys.readouterr()
    return code, json.loads(said.out or "{}"), said.err


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, public_cache: Path) -> None:
    monkeypatch.setenv("ANAMNESIS_CACHE", str(public_cache))


@pytest.mark.usefixtures("cache")
def test_the_checker_names_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN, encoding="utf-8")
    assert told(capsys, "rules", "check", str(file))[:2] == (
        0,
        {"file": str(file), "rules": 2, "problems": []},
    )
    file.write_text(
        OWN.replace('"soon"', '"later"').replace('"meningitis"', '"meningitus"'), encoding="utf-8"
    )
    code, value, error = told(capsys, "rules", "check", str(file))
    assert code == 1
    assert [p["line"] for p in value["problems"]] == [8, 13]  # type: ignore[attr-defined]
    assert "has mistakes" in error


@pytest.mark.usefixtures("cache")
def test_list_and_trace_and_diagnose_speak_of_the_same_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN, encoding="utf-8")
    _, listed, _ = told(capsys, "rules", "list", "--rules", str(file))
    rules = {r["id"]: r["at"] for r in listed["red_flags"]}  # type: ignore[attr-defined]
    assert rules["house-fever"] == f"{file}:4"
    assert [r["at"] for r in listed["switched_off"]] == [f"{file}:12"]  # type: ignore[attr-defined]
    for kind in ("pairs", "constraints", "laboratory"):
        rules |= {r.get("id") or r["name"]: r["at"] for r in listed[kind]}  # type: ignore[attr-defined]
    for name, at in rules.items():
        place, line = at.rsplit(":", 1)
        head, first = Path(place).read_text("utf-8").splitlines()[int(line) - 1 : int(line) + 1]
        assert head.startswith("[[")
        assert name in first
    asked = ("--findings", "HP:0001945,HP:0031179,HP:0000613", "--rules", str(file))
    _, traced, _ = told(capsys, "rules", "trace", *asked)
    assert [a["rule_id"] for a in traced["alerts"]] == ["house-fever"]  # type: ignore[attr-defined]
    _, shown, _ = told(capsys, "diagnose", *asked, "--top", "1")
    assert shown["rules"] == traced
    assert main(["rules", "trace", "--findings", "HP:0001945,HP:0031179,HP:0000613"]) == 0
    text = capsys.readouterr().out
    assert "EMERGENCY (at once): Possible bacterial meningitis  [meningitis]" in text
    assert "source: NICE guideline NG240" in text
    assert "almost:" in text


def test_a_phenopackets_measurements_and_diseases_reach_the_rules(
    real_graph: CompiledGraph, tmp_path: Path
) -> None:
    potassium = {
        "assay": {"id": "LOINC:2823-3", "label": "Potassium"},
        "value": {
            "quantity": {
                "unit": {"id": "UCUM:mmol/L", "label": "mmol/L"},
                "value": 6.9,
                "referenceRange": {
                    "unit": {"id": "UCUM:mmol/L", "label": "mmol/L"},
                    "low": 3.5,
                    "high": 5.1,
                },
            }
        },
    }
    packet = {
        "id": "p",
        "subject": {"id": "s", "sex": "FEMALE"},
        "phenotypicFeatures": [{"type": {"id": "HP:0001945", "label": "Fever"}}],
        "measurements": [potassium],
        "metaData": {"created": "2025-01-01T00:00:00Z", "phenopacketSchemaVersion": "2.0"},
    }
    file = tmp_path / "packet.json"
    file.write_text(json.dumps(packet), encoding="utf-8")
    known = by_loinc(load_rules(real_graph).laboratory)

    def present() -> Presentation:
        return present_phenopacket(file, real_graph, laboratory=known, today=date(2026, 1, 1)).presentation

    asked = present()
    assert [(lab.loinc, lab.value) for lab in asked.labs] == [("2823-3", 6.9)]
    assert [f.term_id for f in asked.findings] == ["HP:0001945", "HP:0002153"]  # Fever, Hyperkalemia
    assert [lab.unit for lab in asked.labs] == ["mmol/L"]
    packet["phenotypicFeatures"] = [{"type": {"id": "HP:0002153", "label": "Hyperkalemia"}, "excluded": True}]
    file.write_text(json.dumps(packet), encoding="utf-8")
    assert present().findings == (Finding(TermId("HP:0002153"), FindingState.EXCLUDED),)


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
def test_a_trace_of_a_patient_stands_in_the_audit_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, secret = tmp_path / "clinic.vault", "correct horse battery staple"
    vault, _ = Vault.create(place, user="ada", passphrase=secret, kdf=KdfParameters.fast_for_tests())
    with vault:
        vault.put_records([Patient(ANN, "Ann"), observation("2823-3", 6.9, "mmol/L")], origin="synthetic")
    monkeypatch.setattr("sys.stdin", StringIO(secret + "\n"))
    words = ("--vault", str(place), "--user", "ada", "--passphrase-stdin", "--patient", ANN)
    assert main(["rules", "trace", *words]) == 0
    assert "severe-hyperkalaemia" in capsys.readouterr().out
    with Vault.open(place, user="ada", passphrase=secret, read_only=True) as vault:
        (event,) = (e for e in vault.audit_events() if e.action == "rules-traced")
        assert (event.user, event.record_id, event.detail) == ("ada", ANN, "")

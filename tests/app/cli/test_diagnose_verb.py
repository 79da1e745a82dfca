"""What `anamnesis diagnose` is asked is understood or refused in one line, never guessed."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli.case import parse_findings
from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.errors import UsageError
from app.workflows.list_models import model_store
from knowledge_graph.findings.finding import FindingState
from ml.registry.model_version import CARD_FILE, MANIFEST_FILE, pack_version
from ml.registry.starting_model import starting_version
from tests.app.workflows.training_site import empty_vault

LONG = ["HP:0001166", "HP:0001083", "HP:0002616"]


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, public_cache: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))


def diagnosed(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, object], str]:
    code = main(["diagnose", "--json", "--top", "2", *argv])
    out = capsys.readouterr()
    return code, json.loads(out.out) if out.out else {}, out.err


@pytest.mark.parametrize(
    "text",
    [
        "HP:0001166,-HP:0001519",
        "hp:0001166 -hp:0001519",
        "HP_0001166;\u2212HP:0001519",
        " HP:0001166,,\u2013HP:0001519, ",
    ],
)
def test_findings_are_read_in_the_forms_people_paste(text: str) -> None:
    assert [(f.term_id, f.state) for f in parse_findings(text)] == [
        ("HP:0001166", FindingState.OBSERVED),
        ("HP:0001519", FindingState.EXCLUDED),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no HPO id"),
        ("-", "HP:0001250"),
        ("HP:12", "HP:0001250"),
        ("seizures", "HP:0001250"),
        ("HP:0001166,-HP:0001166", "name it once"),
    ],
)
def test_what_is_no_list_of_findings_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_findings(text)


def test_a_finding_named_twice_counts_once() -> None:
    assert len(parse_findings("HP:0001166,HP:0001166")) == 1


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        pytest.param(["--findings", "HP:9999999"], "not a current term", marks=pytest.mark.slow),
        pytest.param(["--findings", "HP:0003577"], "no phenotypic abnormality", marks=pytest.mark.slow),
        (["--findings", LONG[0], "--age", "P"], "ISO 8601"),
        (["--findings", LONG[0], "--age", "P999Y"], "older than anybody"),
        (["--findings", ""], "no HPO id"),
        (["--text", ""], "cannot be read"),
        (["--patient", "x", "--age", "P3Y"], "leave them out"),
        (["--findings", LONG[0], "--vault", "v"], "--vault goes with"),
        (["--text", __file__, "--vault", "no-such.vault"], "passphrase"),
        ([], "name one of"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, errors = diagnosed(capsys, *argv)
    assert code in (1, 2)
    assert said in errors
    assert errors.count("\n") == 1


KNOWN: list[dict[str, object]] = [{"type": {"id": term}} for term in LONG]


def packet(folder: Path, *features: dict[str, object]) -> str:
    path = folder / "packet.json"
    subject = {
        "id": "synthetic",
        "sex": "FEMALE",
        "timeAtLastEncounter": {"age": {"iso8601duration": "P20Y"}},
    }
    path.write_text(
        json.dumps({"id": "p", "subject": subject, "phenotypicFeatures": list(features), "metaData": {}})
    )
    return str(path)


@pytest.mark.slow
def test_a_packet_with_features_beyond_the_knowledge_says_which_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = packet(tmp_path, *KNOWN)
    _, plain, _ = diagnosed(capsys, "--phenopacket", whole)
    more = packet(tmp_path, *KNOWN, {"type": {"id": "HP:9999999"}}, {"type": {"id": "HP:0003577"}})
    code, told, errors = diagnosed(capsys, "--phenopacket", more)
    assert code == 0
    assert told == plain
    assert "HP:9999999" in errors
    assert "HP:0003577" in errors


@pytest.mark.slow
def test_a_packet_that_says_both_of_a_feature_counts_it_as_observed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, plain, _ = diagnosed(capsys, "--phenopacket", packet(tmp_path, *KNOWN))
    both = packet(tmp_path, {**KNOWN[0], "excluded": True}, *KNOWN)
    assert diagnosed(capsys, "--phenopacket", both)[1] == plain


@pytest.mark.slow
def test_sex_and_age_on_the_command_line_come_before_the_packets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = packet(tmp_path, *KNOWN)
    _, own, _ = diagnosed(capsys, "--phenopacket", path)
    _, young, _ = diagnosed(capsys, "--phenopacket", path, "--age", "P1D")
    assert own != young


@pytest.mark.slow
def test_a_text_is_read_by_the_model_of_the_vault_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = starting_version()
    files = {name: data for name, data in start.files.items() if name not in (CARD_FILE, MANIFEST_FILE)}
    own = pack_version(files, replace(start.version.card, title="the site's own"))
    with empty_vault(tmp_path / "site.vault") as vault:
        model_store(vault).add(own)
        model_store(vault).set_current(own.version.version_id, at="2025-01-01", reason="publish")
    note = tmp_path / "note.txt"
    note.write_text("Tall, with arachnodactyly and ectopia lentis.")
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    words = ["--vault", str(vault.path), "--user", "ann", "--passphrase-stdin"]
    code, told, _ = diagnosed(capsys, "--text", str(note), *words)
    assert (code, told["model_version"]) == (0, own.version.version_id)
    assert diagnosed(capsys, "--text", str(note))[1]["model_version"] == start.version.version_id


@pytest.mark.slow
def test_why_names_the_words_that_spoke_and_needs_a_text(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("A boy with arachnodactyly and ectopia lentis.\nHe goes to school.", encoding="utf-8")
    code, value, _ = diagnosed(capsys, "--text", str(note), "--why")
    assert code == 0
    first = value["differential"][0]  # type: ignore[index]
    assert {r["kind"] for r in first["why"]} == {"sentence", "finding"}
    assert "A boy with arachnodactyly and ectopia lentis." in [r["text"] for r in first["why"]]
    weights = [abs(r["weight"]) for r in first["why"]]
    assert weights == sorted(weights, reverse=True)
    code, value, said = diagnosed(capsys, "--findings", ",".join(LONG), "--why")
    assert (code, value) == (2, {})
    assert "--text or --patient" in said


@pytest.mark.slow
def test_a_long_text_says_how_far_it_is_read_and_answers_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    note = tmp_path / "note.txt"
    visits = "".join(f"On visit {number} the gait was wide and speech was slurred. " for number in range(100))
    note.write_text(visits, encoding="utf-8")
    code, value, said = diagnosed(capsys, "--text", str(note))
    assert code == 0
    assert len(value["differential"]) == 2  # type: ignore[arg-type]
    shares = [told["share"] for line in said.splitlines() if "share" in (told := json.loads(line))]
    assert len(shares) > 2
    assert shares == sorted(set(shares))
    assert 0 < shares[0] < shares[-1] < 1


@pytest.mark.parametrize(
    "verb",
    ["diagnose --compare OMIM:154700,OMIM:121050", "similar --top 1", "ask --top 1", "diagnose --top 1"],
)
def test_every_verb_names_the_packs_that_it_looked_at(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb.split(), "--json", "--findings", "HP:0001166,HP:0001083"]) == 0
    known = json.loads(capsys.readouterr().out)["knowledge_version"]
    assert known.startswith("2025-01-16 + Common and emergency conditions")


def test_a_finding_that_another_implies_is_said_to_be_no_exclusion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, told, said = diagnosed(capsys, "--findings", "HP:0007359,-HP:0001250")
    assert code == 0
    assert "Seizure is excluded, but implied by Focal-onset seizure, which is observed" in said
    lines = told["differential"]
    assert isinstance(lines, list)
    assert {e["term_id"] for line in lines for e in line["evidence"]} == {"HP:0007359"}
    assert "is excluded" not in diagnosed(capsys, "--findings", "HP:0001250,-HP:0007359")[2]


def test_an_alert_that_only_age_or_sex_decides_is_told_as_open(capsys: pytest.CaptureFixture[str]) -> None:
    def said(*argv: str) -> str:
        assert main(["diagnose", "--top", "1", "--findings", "HP:0001945,HP:0001254", *argv]) == 0
        return capsys.readouterr().out

    baby = "Fever in a baby under 3 months"
    assert (
        f"EMERGENCY if the patient is aged younger than 3 months, which is not known (--age, --sex): {baby}"
        in said()
    )
    assert "which is not known" not in said("--age", "P33Y")
    assert f"EMERGENCY (at once): {baby}" in said("--age", "P5W")

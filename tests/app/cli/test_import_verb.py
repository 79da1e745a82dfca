"""The import verb: a report for machines and people, one line for each refusal, a stop that is said."""

import io
import json
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault

SECRET = "correct horse battery"
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Canary"}], "photo": []}


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    path = tmp_path / "v"
    Vault.create(path, user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())[0].close()
    return path


def run(monkeypatch: pytest.MonkeyPatch, vault: Path, *words: object) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    return main(["import", "--vault", str(vault), "--user", "ann", "--passphrase-stdin", *map(str, words)])


def test_the_report_is_one_json_object_and_names_no_content(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(PATIENT), "utf-8")
    (tmp_path / "bad.json").write_text('{"resourceType": "Patient", "name": "Canary', "utf-8")
    lines = tmp_path / "report.jsonl"
    words = ("--json", tmp_path / "p.json", tmp_path / "bad.json", "--report", lines)
    assert run(monkeypatch, vault, *words) == 1
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert report["imported"] == {"Patient": 1}
    assert report["records"] == {"added": 1, "changed": 0, "unchanged": 0}
    assert [json.loads(line)["file"] for line in lines.read_text("utf-8").splitlines()] == ["bad.json"]
    assert json.loads(err.splitlines()[0])["phase"] == "looking through"
    assert err.splitlines()[-1].startswith("anamnesis: bad.json: not valid JSON or cut short")
    assert "Canary" not in out + err


def test_a_report_that_can_not_be_written_is_said_after_the_import(
    vault: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.json").write_text(json.dumps(PATIENT), "utf-8")
    assert run(monkeypatch, vault, tmp_path / "p.json", "--report", tmp_path / "no" / "r.jsonl") == 2
    out, err = capsys.readouterr()
    assert "1 Patient imported" in out
    assert "can't be written" in err.splitlines()[-1]

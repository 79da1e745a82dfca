"""Every verb that reads charts, as every role: who may not open charts gets one line and no word of them."""

import io
import json
import shutil
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.rights import Right, has_right
from app.store.vault import Vault

SECRET, FAST = "correct horse battery", KdfParameters.fast_for_tests()
ADA = PatientId("p-1")
ROLES = [r for r in Role if r not in (Role.ADMINISTRATOR, Role.RECOVERY)]
CHART_VERBS = (
    "patients",
    "patients ada",
    "notes seizures",
    "note list-errors --patient p-1",
    "note mark-error n-1 --reason wrong-patient",
    "note undo-error n-2",
    "diagnose --patient p-1",
    "ask --patient p-1",
    "similar --patient p-1",
    "rules trace --patient p-1",
    "labels",
    "labels --weak",
)
CONTENT = ("Ada", "Sample", "MRN 17", "1980-02-01", "Seizures")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vault, _ = Vault.create(tmp_path_factory.mktemp("roles") / "v", user="ann", passphrase=SECRET, kdf=FAST)
    with vault:
        ada = Patient(ADA, "Ada Sample", "1980-02-01", identifiers=(Identifier("urn:mrn", "MRN 17"),))
        notes = [Note(NoteId(f"n-{n}"), ADA, f"Seizures, letter {n}.") for n in (1, 2)]
        vault.put_records([ada, *notes], origin="t")
        for role in ROLES:
            add_user(vault, user=f"who-{role}", passphrase=SECRET, role=role, kdf=FAST)
    return vault.path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "v"))


def call(monkeypatch: pytest.MonkeyPatch, path: Path, verb: str, role: Role) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    return main([*verb.split(), "--vault", str(path), "--user", f"who-{role}", "--passphrase-stdin"])


@pytest.mark.parametrize("verb", CHART_VERBS)
@pytest.mark.parametrize("role", [r for r in ROLES if not has_right(r, Right.CHARTS)])
def test_who_may_not_open_charts_gets_one_line_and_no_word_of_them(
    path: Path, verb: str, role: Role, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, path, verb, role) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"your role ({role}) may not open charts and notes" in told.err
    assert told.err.count("\n") == 1
    assert not [word for word in CONTENT if word in told.err]


@pytest.mark.parametrize("verb", ["patients ada", "notes seizures", "note list-errors --patient ada"])
@pytest.mark.parametrize("role", [r for r in ROLES if has_right(r, Right.CHARTS)])
def test_who_may_open_charts_reads_them(
    path: Path, verb: str, role: Role, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, path, verb, role) == 0
    assert "p-1" in capsys.readouterr().out or "list-errors" in verb


def test_a_broken_glass_opens_the_list_of_patients_too(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["patients", "--json", "--break-glass", "Ward round, nobody else is here"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    assert main([*words, "--vault", str(path), "--user", "who-trainer", "--passphrase-stdin"]) == 0
    assert json.loads(capsys.readouterr().out)["patients"][0]["name"] == "Ada Sample"

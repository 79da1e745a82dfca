"""The notes verb: whose notes hold these words."""

import io
import json
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store import note_search, session
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault

SECRET = "correct horse battery"
ADA = PatientId("p-1")
NOTES = (
    Note(NoteId("n-1"), ADA, "Seizures since birth, no fever.", "Letter", "2024-05-01"),
    Note(NoteId("n-2"), ADA, "患者发热三天", "", "2024-06-01"),
)


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    vault, _ = Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())
    with vault:
        vault.put_records([Patient(ADA, "Ada Sample"), *NOTES], origin="synthetic")
    monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET + "\n"))
    return ["notes", "--vault", str(tmp_path / "v"), "--user", "ann", "--passphrase-stdin"]


@pytest.mark.parametrize(("asked", "found"), [("seiz", "n-1"), ("发热", "n-2"), ("fever seizures", "n-1")])
def test_a_note_is_found_with_its_patient(
    words: list[str], capsys: pytest.CaptureFixture[str], asked: str, found: str
) -> None:
    assert main([*words, "--json", *asked.split()]) == 0
    (hit,) = json.loads(capsys.readouterr().out)["notes"]
    assert (hit["note_id"], hit["patient_id"], hit["patient_name"]) == (found, ADA, "Ada Sample")
    assert "«" in hit["snippet"]


def test_what_is_not_there_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "arachnodactyly"]) == 0
    assert capsys.readouterr().out == "No note holds these words.\n"


def test_the_command_line_leaves_no_older_note_out(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(note_search, "MAY_COST_S", -1.0)
    monkeypatch.setattr(session, "_STEPS", 1)
    assert main([*words, "seizures"]) == 0
    assert "n-1" in capsys.readouterr().out


def test_more_than_is_ranked_cannot_be_asked_for(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--limit", "2001", "fever"]) == 2
    assert "2,000" in capsys.readouterr().err

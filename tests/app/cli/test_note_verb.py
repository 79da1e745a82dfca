"""The note verb: a note entered in error by the window's rules, undone, listed; refused in one line."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.main import main
from app.cli.note import REASONS
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import ErrorReason, Note
from app.clinical.patient import Identifier, Patient
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.note_error import COUNTS_AGAIN, IN_ERROR
from app.store.people import add_user
from app.store.vault import Vault

SECRET, FAST = "correct horse battery", KdfParameters.fast_for_tests()
ADA = PatientId("p-1")
NOTES = (
    Note(NoteId("n-1"), ADA, "Seizures since birth.", "Letter", "2024-05-01"),
    Note(NoteId("n-2"), ADA, "Zebra stripes on the arm."),
)
Call = Callable[..., int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    vault, _ = Vault.create(tmp_path / "v", user="ann", passphrase=SECRET, kdf=FAST)
    with vault:
        ada = Patient(ADA, "Ada Sample", identifiers=(Identifier("ward", "77"),))
        vault.put_records([ada, *NOTES], origin="t")
        for user, role in (("bea", Role.ADJUDICATOR), ("tom", Role.TRAINER)):
            add_user(vault, user=user, passphrase=SECRET, role=role, kdf=FAST)
    return tmp_path / "v"


@pytest.fixture
def call(path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    def done(*words: str, user: str = "ann") -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
        return main(["note", *words, "--vault", str(path), "--user", user, "--passphrase-stdin"])

    return done


def opened(path: Path) -> Vault:
    return Vault.open(path, user="ann", passphrase=SECRET, read_only=True)


def test_a_note_is_marked_for_a_reason_and_undone_both_audited(
    path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("mark-error", "n-2", "--reason", "wrong-patient") == 0
    said = capsys.readouterr().out
    assert "written for another patient" in said
    assert "n-2  p-1  Ada Sample (77), undated, untitled" in said
    assert "anamnesis note undo-error n-2" in said
    with opened(path) as vault:
        assert [note.id for note in vault.chart(ADA).notes] == ["n-1"]
        (marked,) = [event for event in vault.audit_events() if event.action == IN_ERROR]
    assert (marked.user, marked.action, marked.detail) == (
        *("ann", IN_ERROR),
        "note n-2: written for another patient",
    )
    assert call("undo-error", "n-2") == 0
    assert capsys.readouterr().out == "Counts again: n-2  p-1  Ada Sample (77), undated, untitled\n"
    with opened(path) as vault:
        assert len(vault.chart(ADA).notes) == 2
        assert [event.action for event in vault.audit_events()].count(COUNTS_AGAIN) == 1


@pytest.mark.parametrize("word", REASONS)
def test_each_reason_has_a_word_that_json_gives_back(
    word: str, path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("mark-error", "n-1", "--reason", word, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"marked": "n-1", "patient_id": ADA, "reason": word}
    with opened(path) as vault:
        error = vault.note("n-1").in_error
    assert error is not None
    assert error.reason is REASONS[word]
    assert call("list-errors", "--patient", "77", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    fields = {"note_id": "n-1", "title": "Letter", "written_at": "2024-05-01"}
    assert listed["patient_id"] == ADA
    assert listed["notes"] == [{**fields, "reason": word, "by": "ann", "at": error.at}]
    assert call("undo-error", "n-1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"counts_again": "n-1", "patient_id": ADA}


def test_the_reasons_are_the_window_s_and_the_help_tells_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(REASONS.values()) == set(ErrorReason)
    with pytest.raises(SystemExit):
        main(["note", "mark-error", "--help"])
    shown = "".join(capsys.readouterr().out.split())  # the help breaks its lines at hyphens, too
    assert all(f"{word}:{reason}".replace(" ", "") in shown for word, reason in REASONS.items())


def test_the_list_says_why_by_whom_and_that_there_is_none(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("list-errors", "--patient", "Ada") == 0
    assert capsys.readouterr().out == "No note of this patient is marked as entered in error.\n"
    assert call("mark-error", "n-1", "--reason", "other") == 0
    capsys.readouterr()
    assert call("list-errors", "--patient", "Ada") == 0
    said = capsys.readouterr().out
    assert said.startswith(
        "n-1  p-1  Ada Sample (77), 2024-05-01, Letter\n    another reason; marked by ann on "
    )
    assert "Seizures" not in said


def test_who_may_not_write_is_told_who_may_and_in_an_emergency_may(
    path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = ("mark-error", "n-1", "--reason", "written-twice")
    for user, refused in (("bea", "may not write notes"), ("tom", "may not open charts")):
        assert call(*mark, user=user) == 1
        said = capsys.readouterr().err
        assert refused in said
        assert said.count("\n") == 1
    with opened(path) as vault:
        assert vault.note("n-1").in_error is None
    assert call(*mark, "--break-glass", "Night shift, nobody else here", user="tom") == 0
    with opened(path) as vault:
        assert {"break-glass", IN_ERROR} <= {event.action for event in vault.audit_events(limit=3)}


def test_what_can_not_be_done_is_told_in_one_line_with_the_remedy(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in (
        ("undo-error n-1", "not marked as entered in error"),
        ("mark-error n-9 --reason other", "there is no note with this id"),
        ("undo-error n-9", "there is no note with this id"),
        ("list-errors --patient Zed", "no patient of the vault fits"),
    ):
        assert call(*words.split()) == 2
        told = capsys.readouterr().err
        assert said in told
        assert told.count("\n") == 1
    assert call("mark-error", "n-1", "--reason", "other") == 0
    assert call("mark-error", "n-1", "--reason", "other") == 2
    assert "already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("mark-error n-1", "--reason"),
        ("mark-error n-1 --reason bored", "wrong-patient"),
        ("undo-error", "NOTE"),
    ],
)
def test_a_missing_or_unknown_reason_ends_with_what_may_be_said(
    words: str, said: str, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        call(*words.split())
    assert end.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]

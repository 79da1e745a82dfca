"""Every verb that reads charts leaves its event; where none can be written the view is shown, and says so."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.main import main
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.store.writer_lock import WriterLock

ROOT = Path(__file__).parents[3]
SECRET, FAST = "correct horse battery", KdfParameters.fast_for_tests()
ADA = PatientId("p-1")
OPENED = ("chart-opened", ADA, "")
NOT_AUDITED = "this view is not written to the vault's audit log"
VERBS: dict[str, list[tuple[str, str, str]]] = {
    "patients": [("patients-listed", "", "1 patients")],
    "patients nobody": [("patients-listed", "", "0 patients")],
    "notes seizures": [("notes-searched", "", "1 notes")],
    "note list-errors --patient p-1": [OPENED],
    "note list-errors --patient ada": [("patients-listed", "", "1 patients"), OPENED],
    "rules trace --patient p-1": [OPENED, ("rules-traced", ADA, "")],
    "labels": [("all-charts-read", "", "1 patients")],
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vault, _ = Vault.create(tmp_path_factory.mktemp("views") / "v", user="ann", passphrase=SECRET, kdf=FAST)
    with vault:
        note = Note(NoteId("n-1"), ADA, "She has seizures and fever.")
        vault.put_records([Patient(ADA, "Ada Sample", "1980-02-01"), note], origin="t")
    return vault.path


@pytest.fixture
def path(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "v"))


def call(monkeypatch: pytest.MonkeyPatch, path: Path, verb: str, secret: str = SECRET) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{secret}\n"))
    return main([*verb.split(), "--vault", str(path), "--user", "ann", "--passphrase-stdin"])


def told(path: Path, since: int) -> list[tuple[str, str, str]]:
    with Vault.open(path, user="ann", passphrase=SECRET, read_only=True) as vault:
        assert vault.verify_audit().intact
        return [(e.action, e.record_id, e.detail) for e in vault.all_audit_events() if e.sequence > since]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_reads_charts_is_audited_without_a_name_or_a_word(
    path: Path, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(told(path, 0))
    assert call(monkeypatch, path, verb) == 0
    assert NOT_AUDITED not in capsys.readouterr().err
    assert told(path, before) == [("vault-opened", "", ""), *VERBS[verb]]


@pytest.mark.parametrize("verb", VERBS)
def test_beside_another_window_it_is_shown_and_said_not_to_be_audited(
    path: Path, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(told(path, 0))
    place = WriterLock(path)
    try:
        assert call(monkeypatch, path, verb) == 0
    finally:
        place.release()
    shown = capsys.readouterr()
    assert shown.out
    assert f"{NOT_AUDITED}: the vault is open for writing in another window or process" in shown.err
    assert told(path, before) == []


@pytest.mark.slow
def test_in_a_folder_that_may_not_be_written_it_is_shown_too(path: Path) -> None:
    powers = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if powers and shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    before = len(told(path, 0))
    verb = ["patients", "--vault", str(path), "--user", "ann", "--passphrase-stdin"]
    path.chmod(0o500)
    done = subprocess.run(
        [*powers, sys.executable, "-m", "app", *verb],
        input=f"{SECRET}\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    path.chmod(0o700)
    assert "Ada Sample" in done.stdout
    assert NOT_AUDITED in done.stderr
    assert told(path, before) == []


def test_a_wrong_passphrase_is_one_guess(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guesses: list[str] = []
    monkeypatch.setattr("app.store.opening.unlock_throttled", _counting(guesses))
    assert call(monkeypatch, path, "patients", "another secret") == 1
    assert len(guesses) == 1
    assert NOT_AUDITED not in capsys.readouterr().err


def _counting(guesses: list[str]) -> object:
    from app.store.attempt_throttle import unlock_throttled

    def counted(header: object, user: str, passphrase: str) -> object:
        guesses.append(user)
        return unlock_throttled(header, user, passphrase)  # type: ignore[arg-type]

    return counted

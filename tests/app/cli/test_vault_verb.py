"""The vault verbs at the command line: one line on refusal, exit code 1 or 2, never a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cli.main import main
from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis, Differential, DifferentialLine
from app.clinical.ids import AnnotationId, NoteId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.vault import Vault
from knowledge_graph.terms.term import DiseaseId, TermId
from tests.app.cli.signed_in import ADA, SECRET, run


def test_check_status_backup_and_audit_of_a_sound_vault(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (
        f"vault check --vault {path}",
        f"vault status --vault {path} --json",
        f"vault backup --vault {path} --to {tmp_path / 'b'}",
        f"vault restore --from {tmp_path / 'b'} --vault {tmp_path / 'n'} --replacing {path}",
        f"audit verify --vault {tmp_path / 'n'}",
    ):
        assert run(monkeypatch, words) == 0, words
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("deed", ["vault check", "vault status", "vault rekey", "audit verify", "audit show"])
@pytest.mark.parametrize("damage", ["passphrase", "no vault", "cut", "log", "newer"])
def test_a_refusal_is_one_line_and_exit_code_1(
    path: Path, deed: str, damage: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if damage == "no vault":
        (path / "header.json").unlink()
    if damage == "cut":
        (path / "vault.db").write_bytes((path / "vault.db").read_bytes()[:5000])
    if damage == "newer":
        text = (path / "header.json").read_text("utf-8")
        (path / "header.json").write_text(text.replace('"version": 1', '"version": 9'), "utf-8")
    if damage == "log":
        (path / "anchor.0").write_bytes(b"")
        (path / "anchor.1").write_bytes(b"")
    stdin = "a wrong passphrase\n" if damage == "passphrase" else f"{SECRET}\n"
    code = run(monkeypatch, f"{deed} --vault {path}", stdin=stdin)
    told = capfd.readouterr().err.splitlines()
    if damage == "log" and deed in ("audit show", "vault status"):
        return
    assert code == 1
    assert len(told) == 1
    assert told[0].startswith("anamnesis: ")


def test_a_passphrase_that_is_not_utf8_is_refused_in_one_line(path: Path) -> None:
    words = f"-m app vault status --vault {path} --user ann --passphrase-stdin"
    done = subprocess.run(
        [sys.executable, *words.split()],
        input=b"\xff\xfe\n",
        capture_output=True,
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONUTF8": "0", "LC_ALL": "C.UTF-8"},
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert b"UTF-8" in done.stderr or b"valid Unicode" in done.stderr


@pytest.mark.parametrize(
    ("stdin", "code"),
    [
        (f"{SECRET}\r\n", 0),
        (SECRET, 0),
        ("\n", 1),
        ("", 2),
        ("x" * 4096 + "\n", 1),
        ("x" * 4097 + "\n", 2),
        ("x" * 10_000_000, 2),
    ],
)
def test_a_passphrase_comes_with_any_line_end_and_within_bounds(
    path: Path, stdin: str, code: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, f"vault status --vault {path}", stdin=stdin) == code
    assert len(capfd.readouterr().err.splitlines()) == (1 if code else 0)


def test_what_was_shown_and_decided_stands_in_the_audit_log_without_content(path: Path) -> None:
    line = DifferentialLine(1, DiseaseId("OMIM:12345"), "Fit disease", 0.5, 0.0, 0.0)
    shown = Differential((line,), False, "c0ffee" * 8, "2025-01-16")
    with Vault.open(path, user="ann", passphrase=SECRET) as vault:
        vault.record_shown(ADA, shown)
        vault.record_shown(ADA, shown)
        vault.record_diagnosis(
            Diagnosis(
                ADA, line.disease_id, line.name, Decision.CONFIRMED, "ann", "2026", "c0ffee" * 8, shown_rank=1
            )
        )
        decided, seen, *before = vault.audit_events(limit=10)
    assert (seen.user, seen.action, seen.record_id) == ("ann", "differential-shown", ADA)
    assert (decided.user, decided.action, decided.record_id) == ("ann", "diagnosis-confirmed", ADA)
    assert "model c0ffeec0ffeec0ff" in seen.detail
    assert "model c0ffeec0ffeec0ff, rank shown 1" in decided.detail
    assert "differential-shown" not in {e.action for e in before}
    assert "OMIM" not in seen.detail + decided.detail
    assert "Fit" not in seen.detail + decided.detail


def test_the_audit_log_tells_apart_what_an_opinion_rested_on(path: Path) -> None:
    shown = Differential((), True, "c0ffee" * 8, "2025-01-16")
    note = Note(NoteId("n-1"), ADA, "Seizures.")
    mark = Annotation(AnnotationId("a"), note.id, 0, 8, TermId("HP:0001250"))
    told = []
    with Vault.open(path, user="ann", passphrase=SECRET) as vault:
        for deed in (
            lambda: None,
            lambda: vault.put_records([Patient(ADA, "Ada Sample", "1990-01-01")], origin="t"),
            lambda: vault.put_records([note], origin="t"),
            lambda: vault.append_annotations([AnnotationEvent(AnnotationAction.ADD, mark, "ann", "2026")]),
            lambda: vault.set_setting("of no patient", "1"),
        ):
            deed()
            vault.record_shown(ADA, shown)
            told.append(next(e.detail for e in vault.audit_events() if e.action == "differential-shown"))
    inputs = [detail.split("inputs ")[1].split(",")[0] for detail in told]
    assert len(set(inputs[:4])) == 4
    assert inputs[4] == inputs[3]
    assert {detail.split("list ")[1] for detail in told} == {told[0].split("list ")[1]}


@pytest.mark.parametrize("name", ["header.json", "anchor.0", "vault.db"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (path / name).unlink()
    os.mkfifo(path / name)
    code = run(monkeypatch, f"vault check --vault {path}")
    assert code == (0 if name == "anchor.0" else 1)  # as after a stop between a commit and its anchor
    assert len(capfd.readouterr().err.splitlines()) == code


def test_a_folder_in_the_place_of_the_writers_lock_is_said_in_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (path / "writer.lock").unlink()
    (path / "writer.lock").mkdir()
    assert run(monkeypatch, f"vault rekey --vault {path}") == 1
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_status_with_a_problem_says_it_on_stderr(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (path / "anchor.0").write_bytes(b"")
    (path / "anchor.1").write_bytes(b"")
    assert run(monkeypatch, f"vault status --json --vault {path}") == 1
    told = capfd.readouterr()
    assert "anchor is missing" in json.loads(told.out)["problem"]
    assert len(told.err.splitlines()) == 1


def test_an_exported_audit_log_can_be_checked_without_the_vault(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from app.clinical.audit_event import AuditEvent
    from app.store.audit_chain import link_hash

    with Vault.open(path, user="ann", passphrase=SECRET) as vault:
        vault.put_records([Patient(ADA, "Ada Sample")], origin="\x1b[2J of \x9b31m no \x7f terminal")
    for name in ("jsonl", "cef", "fhir"):
        words = f"audit export --vault {path} --format {name} --out {tmp_path / name}"
        assert run(monkeypatch, words) == 0
        assert run(monkeypatch, words) == 2
    events = [AuditEvent(**json.loads(line)) for line in (tmp_path / "jsonl").read_text("utf-8").splitlines()]
    previous = ""
    for event in events:
        assert link_hash(event, previous) == event.hash
        previous = event.hash
    assert [e.sequence for e in events] == list(range(1, len(events) + 1))
    assert len((tmp_path / "cef").read_text("utf-8").splitlines()) == len(events)
    capfd.readouterr()
    assert run(monkeypatch, f"audit export --vault {path}") == 0
    told = capfd.readouterr().out
    assert told == (tmp_path / "jsonl").read_text("utf-8")
    assert all(line.isprintable() for line in told.splitlines())


def test_a_backup_is_rehearsed_and_takes_the_vaults_place(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, f"vault backup --vault {path}") == 2
    assert "--to" in capfd.readouterr().err
    assert run(monkeypatch, f"vault backup --vault {path} --to {tmp_path / 'b'}") == 0
    capfd.readouterr()
    assert run(monkeypatch, f"vault drill --json --from {tmp_path / 'b'}") == 0
    assert json.loads(capfd.readouterr().out)["patients"] == 1
    assert run(monkeypatch, f"vault restore --in-place --json --vault {path} --from {tmp_path / 'b'}") == 0
    assert Path(json.loads(capfd.readouterr().out)["put_aside"]) == tmp_path / "v.replaced-1"
    assert (
        run(monkeypatch, f"vault restore --in-place --vault {tmp_path / 'no'} --from {tmp_path / 'b'}") == 1
    )
    assert len(capfd.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("deed", ["vault create", "vault passphrase", "vault add-user --name bob"])
def test_a_weak_new_passphrase_is_refused_in_one_line_that_says_the_rule(
    path: Path,
    tmp_path: Path,
    deed: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    is_made = deed == "vault create"
    weak = "eleven char\n" if is_made else f"{SECRET}\neleven char\n"
    where = tmp_path / "fresh" if is_made else path
    assert run(monkeypatch, f"{deed} --vault {where}", stdin=weak) == 2
    (told,) = capfd.readouterr().err.splitlines()
    assert "at least 12 characters" in told
    assert not (tmp_path / "fresh").exists()


@pytest.mark.parametrize(("again", "code"), [("long and unguessed", 0), ("long and unguesed", 2)])
def test_at_a_terminal_a_new_passphrase_is_typed_twice(
    tmp_path: Path,
    again: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    typed = iter(("long and unguessed", again))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(typed))
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    assert main(["vault", "create", "--vault", str(tmp_path / "v"), "--user", "ann"]) == code
    assert ("differ" in capfd.readouterr().err) is (code == 2)
    assert (tmp_path / "v").exists() is (code == 0)

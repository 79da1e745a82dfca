"""The command line keeps its contract: exit codes, one line on refusal, help without torch."""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.cli.console import Console
from app.cli.main import main
from app.cli.verbs import VERBS
from app.config.fault_report import TRACEBACK_VARIABLE
from app.config.settings import os_user


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out.startswith("anamnesis 0.")


def test_an_unknown_verb_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["frobnicate"])
    assert done.value.code == 2
    assert "frobnicate" in capsys.readouterr().err


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert all(verb.name in shown for verb in VERBS if verb.name != "worker")


def test_a_refusal_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=False).refuse("first\nsecond")
    assert capsys.readouterr().err == "anamnesis: first second\n"


@pytest.mark.slow
def test_help_starts_without_torch_and_qt() -> None:
    code = "import sys; from app.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'torch', 'PySide6', 'networkx', 'onnxruntime'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_a_policy_that_is_not_understood_keeps_the_window_shut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy.toml").write_text("idle_lock = 60\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("app.config.policy.policy_path", lambda: tmp_path / "policy.toml")
    assert main([]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "policy.toml" in said
    assert "idle_lock" in said


def test_a_user_without_a_name_signs_in_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 987_654)
    assert os_user() == "987654"


def _stand_in(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def run(arguments: object, console: object) -> int:
        raise error

    module = SimpleNamespace(configure=lambda parser: None, run=run)
    monkeypatch.setattr(importlib, "import_module", lambda name: module)


@pytest.mark.parametrize(
    ("error", "told"), [(KeyError("Jane Doe"), "KeyError"), (OSError(28, "No space left"), "No space left")]
)
def test_a_fault_of_our_own_is_one_line_without_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, told: str
) -> None:
    monkeypatch.delenv(TRACEBACK_VARIABLE, raising=False)
    _stand_in(monkeypatch, error)
    assert main(["findings"]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert told in said
    assert "test_main.py" in said
    assert "Jane" not in said


def test_a_place_that_the_system_refuses_is_named_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _stand_in(monkeypatch, OSError(30, "Read-only file system", "/media/cd/c.key"))
    assert main(["findings"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("anamnesis: /media/cd/c.key can't be used (Read-only file system); name a place")
    assert said.count("\n") == 1


@pytest.mark.parametrize(("word", "told"), [("diagnoze", "did you mean 'diagnose'?"), ("zzz", "--help")])
def test_a_word_that_is_no_verb_is_said(word: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([word])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err.splitlines()[-1]


def test_a_developer_may_ask_for_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACEBACK_VARIABLE, "1")
    _stand_in(monkeypatch, KeyError("x"))
    with pytest.raises(KeyError):
        main(["findings"])


def test_a_benchmark_of_nothing_or_in_no_folder_is_refused_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "vault", "--size", "-5"]) == 2
    assert "--size is at least 1" in capsys.readouterr().err
    assert main(["benchmark", "import", "--size", "5", "--data", str(tmp_path / "none")]) == 2
    assert "make it, or name another" in capsys.readouterr().err
    assert main(["benchmark", "vault", "--size", "5", "--data", str(tmp_path)]) == 2
    assert "--data goes with the benchmarks import" in capsys.readouterr().err


def test_every_deed_of_a_verb_takes_json_behind_it() -> None:
    deeds = 0
    for verb in VERBS:
        parser = argparse.ArgumentParser()
        importlib.import_module(verb.module).configure(parser)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, deed in action.choices.items():
                    deeds += 1
                    assert "--json" in deed.format_help(), f"{verb.name} {name}"
    assert deeds > 15

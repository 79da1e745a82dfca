"""The command line keeps its contract: exit codes, one line on refusal, help without torch."""

import subprocess
import sys

import pytest

from app.cli.console import Console
from app.cli.main import main
from app.cli.verbs import VERBS


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

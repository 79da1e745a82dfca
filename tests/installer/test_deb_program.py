"""The packaged program's entry, the build's own decisions, and the check's means."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.main import VERSION
from app.cli.verbs import VERBS
from installer import build
from installer.deb.clean_root import RootUnavailable, mirror_of
from installer.freeze import program_entry

INSTALLER = Path(build.__file__).resolve().parent


@pytest.mark.parametrize(
    ("words", "goes"),
    [
        ([], False),
        (["--vault", "worker"], False),
        (["worker", "train"], True),
        (["evaluate", "--build-namesakes", "n.bin"], True),
        (["evaluate", "--build-portraits", "p.bin", "--cases", "c.jsonl"], True),
        (["evaluate", "--cases", "c.jsonl"], False),
        (["build-model", "--quick"], True),
        (["benchmark", "graph"], False),
        (["benchmark", "diagnose"], True),
        (["diagnose"], False),
    ],
)
def test_only_what_needs_torch_goes_to_the_trainer(words: list[str], goes: bool) -> None:
    assert program_entry.needs_torch(words) is goes


def test_the_verbs_that_need_torch_are_verbs() -> None:
    assert {words[0] for words in program_entry.NEEDS_TORCH} <= {verb.name for verb in VERBS}


def test_without_the_trainer_one_line_names_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert program_entry.start(["worker", "train"]) == 1
    assert "anamnesis-trainer" in capsys.readouterr().err


def test_the_entry_imports_neither_qt_nor_torch() -> None:
    code = "import sys; import installer.freeze.program_entry; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=INSTALLER.parent
    ).stdout.split()
    assert {"PySide6", "torch"}.isdisjoint(loaded)


def test_the_package_has_the_programs_version() -> None:
    assert build.project_version() == VERSION


def test_the_moment_of_the_build_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert build.source_date() == 1_700_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(build.BuildFailed, match="SOURCE_DATE_EPOCH"):
        build.source_date()


def test_the_main_suites_mirror_is_taken_not_the_security_one() -> None:
    security, main = "http://one.invalid/ stable-security main", "http://two.invalid/ stable main"
    assert mirror_of([security, main]) == "http://two.invalid/"
    with pytest.raises(RootUnavailable):
        mirror_of([security])


def test_building_and_checking_need_the_standard_library_alone() -> None:
    files = [INSTALLER / "build.py", INSTALLER / "check_deb.py", *(INSTALLER / "deb").glob("*.py")]
    modules: set[str] = set()
    for file in [*files, INSTALLER / "freeze/freezing.py"]:
        tree = ast.parse(file.read_text("utf-8"))
        modules |= {
            a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
        }
        modules |= {str(n.module).split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert modules <= set(sys.stdlib_module_names) | {"installer", "app"}

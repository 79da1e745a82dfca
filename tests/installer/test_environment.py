"""The environment is made once, resumed where it was cut short, and repaired where it was moved."""

import subprocess
import sys
from pathlib import Path

import pytest

from installer import bootstrap, environment
from installer.environment import SetupFailed, forget_half_installed, repoint_scripts

LONG = b"#!/bin/sh\n'''exec' \"/old place/.venv/bin/python3.11\" \"$0\" \"$@\"\n' '''\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout: the locks and nothing else."""
    for name, place in (("ROOT", ""), ("ENVIRONMENT", ".venv"), ("STAMP", ".venv/anamnesis-stamp.txt")):
        monkeypatch.setattr(environment, name, tmp_path / place)
    return tmp_path


@pytest.mark.parametrize("head", [b"#!/old/.venv/bin/python3.11\n", b"#!/old/.venv/bin/python\n", LONG])
def test_scripts_of_a_moved_environment_run_again(tmp_path: Path, head: bytes) -> None:
    folder = tmp_path / "new place" / "bin"
    folder.mkdir(parents=True)
    python = folder / "python"
    python.symlink_to(sys.executable)
    script = folder / "tool"
    script.write_bytes(head + b"import sys\nprint('ran', sys.argv[1])\n")
    script.chmod(0o755)
    (folder / "program").write_bytes(b"\x7fELF, no script")
    (folder / "shell").write_bytes(b"#!/bin/bash\n")
    repoint_scripts(folder, python)
    assert subprocess.run([script, "x"], capture_output=True, text=True).stdout == "ran x\n"
    before = script.read_bytes()
    repoint_scripts(folder, python)
    assert script.read_bytes() == before
    assert (folder / "program").read_bytes() == b"\x7fELF, no script"
    assert (folder / "shell").read_bytes() == b"#!/bin/bash\n"


def test_a_package_that_pip_was_killed_over_is_installed_again(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    for name in ("half-1.0.dist-info", "whole-1.0.dist-info"):
        (site / name).mkdir(parents=True)
        (site / name / "METADATA").write_text("Name: x\n")
    (site / "whole-1.0.dist-info" / "RECORD").write_text("")
    forget_half_installed(tmp_path)
    assert [path.name for path in site.iterdir()] == ["whole-1.0.dist-info"]


def test_a_folder_that_is_no_environment_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "letters").write_text("mine")
    with pytest.raises(SetupFailed, match="move it away"):
        environment._make_environment()
    assert (checkout / ".venv" / "letters").read_text() == "mine"


@pytest.mark.parametrize(
    ("made", "ready"), [("", []), ("S", [False]), (f"S{environment.WITH_DEV}", [False, True])]
)
def test_the_program_is_ready_without_what_the_tests_need_besides(
    checkout: Path, made: str, ready: list[bool]
) -> None:
    python = environment.python_of(checkout / ".venv")
    python.parent.mkdir(parents=True)
    python.touch()
    (checkout / ".venv" / "anamnesis-stamp.txt").write_text(made)
    assert [dev for dev in (False, True) if environment._is_ready("S", dev=dev)] == ready


@pytest.mark.parametrize(("stamped", "kept"), [(False, True), (True, False)])
def test_only_our_own_environment_is_removed_for_another_python(
    checkout: Path, stamped: bool, kept: bool
) -> None:
    folder = checkout / ".venv"
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text("version = 3.8.1\n")
    if stamped:
        (folder / "anamnesis-stamp.txt").write_text("")
        environment._clear_what_does_not_fit()
    else:
        with pytest.raises(SetupFailed, match="another Python"):
            environment._clear_what_does_not_fit()
    assert folder.exists() == kept


def test_variables_that_mislead_pip_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.invalid/simple")
    kept = environment.clean_variables()
    assert not {"PYTHONHOME", "PIP_TARGET"} & set(kept)
    assert kept["PIP_INDEX_URL"] == "https://index.invalid/simple"


def test_a_home_that_cannot_be_written_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for name in ("ANAMNESIS_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "ANAMNESIS_CACHE" not in bootstrap.program_variables()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    given = bootstrap.program_variables()
    changed = {given[name] for name in ("ANAMNESIS_CACHE", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    assert changed == {str(environment.ENVIRONMENT / "home")}
    assert "can't be written" in capsys.readouterr().err
    assert not bootstrap.can_write(Path("~/.cache"))


def test_an_old_python_is_told_so_before_it_reads_what_it_cannot() -> None:
    lines = Path(bootstrap.__file__).read_text("utf-8").splitlines()
    told = next(number for number, line in enumerate(lines) if "sys.version_info" in line)
    first_import = next(number for number, line in enumerate(lines) if line.startswith("from installer"))
    assert told < first_import


def test_a_file_that_cannot_be_read_is_named_with_its_remedy(checkout: Path) -> None:
    with pytest.raises(SetupFailed, match=r"pyproject\.toml: .*let this user"):
        environment.set_up()


def test_on_a_cuda_machine_the_other_runtime_takes_no_file_of_the_gpu_one(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both unpack into one folder: so both are removed before the right one is installed, at every set-up."""
    done: list[tuple[str, ...]] = []
    monkeypatch.setattr(environment, "_pip", lambda *words: done.append(words))
    monkeypatch.setattr(environment, "_torch_is_cuda_build", lambda: True)
    monkeypatch.setattr(environment, "_has_nvidia_driver", lambda: True)
    environment._make("stamp")
    removed = next(place for place, words in enumerate(done) if words[0] == "uninstall")
    assert set(done[removed]) >= {"onnxruntime", "onnxruntime-gpu"}
    assert str(environment.CUDA_LOCK) in done[removed + 1]

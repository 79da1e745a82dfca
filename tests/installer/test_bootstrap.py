"""The bootstrap's decisions: what ldd said, which packages that means, how the lock is split."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

from installer import bootstrap
from installer.lock import split_lock
from installer.qt_libraries import PACKAGES, packages_for, parse_ldd

ROOT = Path(__file__).resolve().parent.parent.parent


def test_missing_sonames_are_read_from_ldd() -> None:
    output = "\tlibEGL.so.1 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x0)\n\tlibGL.so.1 => not found\n"
    assert parse_ldd(output) == {"libEGL.so.1", "libGL.so.1"}


def test_missing_libraries_become_debian_packages() -> None:
    assert packages_for({"libEGL.so.1"}, has_fonts=True) == ["libegl1"]
    assert packages_for(set(), has_fonts=False) == ["fonts-dejavu-core"]
    assert packages_for({"libnew.so.9"}, has_fonts=True) == ["libnew.so.9"]
    assert len(set(PACKAGES)) == len(PACKAGES)


def test_the_lock_is_split_by_what_tests_and_cuda_need_besides() -> None:
    text = "# head\nnumpy==2.4.6 \\\n    --hash=sha256:aa\nnvidia-cublas==13.1 \\\n    --hash=sha256:bb\n"
    text += "torch==2.13.0 \\\n    --hash=sha256:cc\ntriton==3.7.1 \\\n    --hash=sha256:dd\n"
    text += "pytest==9.2.0 \\\n    --hash=sha256:ee\n"
    plain, dev, cuda = split_lock(text, {"numpy", "torch", "triton"})
    assert plain.startswith("numpy==2.4.6")
    assert "torch==2.13.0 \\\n    --hash=sha256:cc\n" in plain
    assert dev == "pytest==9.2.0 \\\n    --hash=sha256:ee\n"
    assert cuda == "nvidia-cublas==13.1 \\\n    --hash=sha256:bb\ntriton==3.7.1 \\\n    --hash=sha256:dd\n"


@pytest.mark.parametrize("name", ["locked.txt", "locked-dev.txt", "locked-cuda.txt", "locked-cpu-torch.txt"])
def test_every_locked_package_has_an_exact_version_and_a_hash(name: str) -> None:
    entries = (ROOT / "installer" / name).read_text("utf-8").replace("\\\n", " ").splitlines()
    assert entries
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)


def test_what_the_tests_compare_with_is_no_part_of_the_program() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [words.partition("==")[0] for words in project["optional-dependencies"]["dev"]]
    names = {name.lower().replace(".", "-") for name in asked}
    program, dev = (
        {line.partition("==")[0] for line in (ROOT / "installer" / name).read_text("utf-8").splitlines()}
        for name in ("locked.txt", "locked-dev.txt")
    )
    assert {"transformers", "peft"} <= names <= dev
    assert not names & program


@pytest.mark.parametrize("name", ["bootstrap.py", "environment.py", "qt_libraries.py"])
def test_the_bootstrap_uses_the_standard_library_alone(name: str) -> None:
    tree = ast.parse((ROOT / "installer" / name).read_text("utf-8"))
    modules = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    modules |= {str(n.module).split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert modules <= set(sys.stdlib_module_names) | {"installer"}


def test_both_builds_of_torch_are_locked_under_one_version() -> None:
    folder = ROOT / "installer"
    assert "\ntorch==2.13.0 " in (folder / "locked.txt").read_text("utf-8")
    assert (folder / "locked-cpu-torch.txt").read_text("utf-8").startswith("torch==2.13.0+cpu ")


def test_without_words_the_bootstrap_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main([]) == 2
    assert "demo" in capsys.readouterr().out

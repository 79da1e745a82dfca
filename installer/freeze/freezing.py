"""Runs PyInstaller on a spec file, so that the same sources give the same folder."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LAST_LINES = 15


class FreezeFailed(Exception):
    """PyInstaller stopped; the message ends with its last words."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen folder, and PyInstaller's record of what went into it."""

    folder: Path
    analysis: Path


def freeze(name: str, python: Path, work: Path, epoch_s: int) -> Frozen:
    """Freeze `program` or `trainer` below `work`. Raises FreezeFailed."""
    work.mkdir(parents=True, exist_ok=True)
    log = work / f"{name}.log"
    command = [str(python), "-m", "PyInstaller", "--noconfirm", "--clean", "--log-level=WARN"]
    command += [
        "--distpath",
        str(work / "frozen"),
        "--workpath",
        str(work / "work"),
        str(HERE / f"{name}.spec"),
    ]
    environment = {
        **os.environ,
        "SOURCE_DATE_EPOCH": str(epoch_s),
        "PYTHONHASHSEED": "1",
        "PYTHONPATH": str(ROOT),
        "PYINSTALLER_CONFIG_DIR": str(work / "pyinstaller"),
    }
    with log.open("wb") as stream:
        code = subprocess.call(command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    if code != 0:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        raise FreezeFailed("\n".join([f"PyInstaller could not freeze the {name}:", *last]))
    folder = work / "frozen" / name
    _strip(folder / "_internal")
    return Frozen(folder, work / "work" / name / "Analysis-00.toc")


def _strip(internal: Path) -> None:
    """Take debug symbols from Python itself; libraries from wheels are stripped or do not bear it."""
    files = [*internal.glob("libpython*"), *internal.glob("python3*/lib-dynload/*.so")]
    if files and shutil.which("strip"):
        subprocess.run(["strip", "--strip-debug", *map(str, files)], check=True)

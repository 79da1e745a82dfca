"""Builds the packages that hospital IT installs. Debian or Ubuntu, standard library only.

    python3 installer/build.py deb [--out DIR] [--environment VENV] [--version V]

Two packages come out: `anamnesis` (window and command line, no torch) and `anamnesis-trainer`
(torch for the processor). The environment is the bootstrap's `.venv`, from the hash-locked files.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from installer.deb import payload  # noqa: E402
from installer.deb.archive import architecture, pack  # noqa: E402
from installer.deb.notices import write_notices  # noqa: E402
from installer.deb.package import PROGRAM, TRAINER, Package, control_text, installed_kib, write_control  # noqa: E402
from installer.deb.shared_libraries import UnknownLibrary, system_packages  # noqa: E402
from installer.environment import ENVIRONMENT, SetupFailed, python_of, set_up  # noqa: E402
from installer.freeze.freezing import FreezeFailed, Frozen, freeze  # noqa: E402

T = TypeVar("T")
TOOLS = {"dpkg-deb": "dpkg", "dpkg": "dpkg", "objdump": "binutils", "strip": "binutils"}


class BuildFailed(Exception):
    """No package could be made; the message names the remedy."""


def main(words: list[str]) -> int:
    """Build what was asked for and print each package's path and size."""
    parser = argparse.ArgumentParser(
        prog="build.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("kind", choices=["deb"])
    parser.add_argument(
        "--out", type=Path, default=ROOT / "dist", metavar="DIR", help="where the packages go"
    )
    parser.add_argument(
        "--environment", type=Path, metavar="VENV", help="an environment that is ready already"
    )
    parser.add_argument("--version", default=project_version(), help="default: the project's")
    arguments = parser.parse_args(words)
    try:
        build_debs(arguments.out, arguments.environment, payload.Release(arguments.version, source_date()))
    except (BuildFailed, FreezeFailed, UnknownLibrary, SetupFailed) as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    return 0


def build_debs(out: Path, environment: Path | None, release: payload.Release) -> list[Path]:
    """Freeze both folders, lay out both packages, pack them."""
    _check_tools()
    python = python_of(environment or _made_environment())
    _refuse_cuda(python)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=out) as folder:
        work = Path(folder)
        program = _timed("freezing the program", freeze, "program", python, work, release.epoch_s)
        trainer = _timed("freezing the trainer", freeze, "trainer", python, work, release.epoch_s)
        trees = {PROGRAM: work / "tree" / "program", TRAINER: work / "tree" / "trainer"}
        payload.lay_program(trees[PROGRAM], program.folder, release)
        payload.lay_trainer(trees[TRAINER], trainer.folder, program.folder)
        return [
            _packed(
                package,
                trees[package],
                frozen,
                site_packages=_site_packages(python),
                out=out,
                release=release,
            )
            for package, frozen in ((PROGRAM, program), (TRAINER, trainer))
        ]


def _packed(
    package: Package, tree: Path, frozen: Frozen, *, site_packages: Path, out: Path, release: payload.Release
) -> Path:
    payload.lay_documents(tree, package, release)
    write_notices(site_packages, frozen.analysis, tree / "usr/share/doc" / package.name / "third-party")
    control = control_text(
        package,
        version=release.version,
        architecture=architecture(),
        installed_kib=installed_kib(tree),
        libraries=system_packages(tree),
    )
    write_control(tree, control, package.conffiles)
    made = _timed(f"packing {package.name}", pack, tree, out, release.epoch_s)
    print(f"{made} ({made.stat().st_size / 1e6:.0f} MB, {installed_kib(tree) / 1e3:.0f} MB installed)")
    return made


def project_version() -> str:
    """The version that pyproject.toml states."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def source_date() -> int:
    """SOURCE_DATE_EPOCH, else the moment of the last commit. Raises BuildFailed."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None:
        done = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True)
        given = done.stdout.strip()
    if not given.isdecimal():
        raise BuildFailed(
            "set SOURCE_DATE_EPOCH to the release's moment in seconds; there is no commit to ask"
        )
    return int(given)


def _check_tools() -> None:
    missing = sorted({package for tool, package in TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise BuildFailed(f"needed to build: apt-get install {' '.join(missing)}")


def _made_environment() -> Path:
    set_up(dev=True)
    return ENVIRONMENT


def _site_packages(python: Path) -> Path:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(
        subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    )


def _refuse_cuda(python: Path) -> None:
    if next(_site_packages(python).glob("nvidia_*.dist-info"), None):
        raise BuildFailed(
            "the environment holds torch's CUDA build, which would not fit a package; point pip at an index "
            "that carries the CPU build, remove .venv, and start this on a machine without an NVIDIA driver"
        )


def _timed(what: str, step: Callable[..., T], *arguments: object) -> T:
    start = time.monotonic()
    result = step(*arguments)
    print(f"build: {what} took {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

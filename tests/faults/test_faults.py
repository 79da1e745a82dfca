"""A seeded slice of the fault harness: `python -m tests.faults --all` is the whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.injector import compiler

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("family", ["calls", "power", "flips", "slots"])
def test_no_fault_loses_what_was_acknowledged_or_passes_in_silence(family: str) -> None:
    if compiler() is None:
        pytest.skip("this machine has no C compiler, or loads no library before others: no injector")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--only", family, "--seed", "7"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " 0 wrong" in done.stdout.splitlines()[-1]

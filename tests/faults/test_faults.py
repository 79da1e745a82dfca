"""A seeded slice of the fault harness: `python -m tests.faults --all` is the whole."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from app.store import header, signing_keys
from tests.faults.__main__ import quick_key
from tests.faults.audit_edits import EDITS, audit_edits
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


@pytest.mark.slow
def test_audit_verify_finds_every_edit_of_a_vaults_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (header, signing_keys):
        monkeypatch.setattr(module, "wrapping_key", quick_key)
    (tally,) = audit_edits(tmp_path, edits=4 * len(EDITS), dice=random.Random(7))
    assert tally.tried == 4 * len(EDITS)
    assert tally.problems == ()

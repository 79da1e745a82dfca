"""kill -9 of the program or of its trainer, at any point: the ledger never holds less than was executed."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from ml.privacy.ledger import LedgerEntry, mechanisms, spent
from ml.privacy.loss_distribution import least_epsilon
from tests.app.workflows.killed_site import BLOCK, PASSPHRASE, STEPS
from tests.app.workflows.one_confirmed import confirm_one

SCRIPT = Path(__file__).with_name("killed_site.py")
LONGEST_S = 120


def executed(count_file: Path) -> int:
    """Steps that were really taken, by the bytes that they left."""
    return count_file.stat().st_size if count_file.exists() else 0


def run_until(count_file: Path, vault: Path, *, steps: int, victim: str) -> None:
    """Start the program; once `steps` more are executed, kill the victim and wait for the program."""
    until = executed(count_file) + steps
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(vault), str(count_file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        began = time.monotonic()
        while (
            program.poll() is None and executed(count_file) < until and time.monotonic() - began < LONGEST_S
        ):
            time.sleep(0.005)
        with suppress(ProcessLookupError):
            pid = int(Path(f"{count_file}.pid").read_text()) if victim == "trainer" else program.pid
            os.kill(pid, signal.SIGKILL)
        program.communicate(timeout=LONGEST_S)


def ledger(vault: Path) -> tuple[LedgerEntry, ...]:
    with Vault.open(vault, user="ann", passphrase=PASSPHRASE, read_only=True) as opened:
        return opened.ledger()


@pytest.mark.slow
def test_the_ledger_never_holds_less_than_was_executed(tmp_path: Path) -> None:
    vault, count_file = tmp_path / "v.vault", tmp_path / "steps"
    made, _ = Vault.create(vault, user="ann", passphrase=PASSPHRASE, kdf=KdfParameters.fast_for_tests())
    confirm_one(made)
    made.close()
    chance = random.SystemRandom()
    for kills, victim in enumerate(("trainer", "program", "program"), start=1):
        run_until(count_file, vault, steps=chance.randint(1, 7), victim=victim)
        entries, done = ledger(vault), executed(count_file)
        assert done <= sum(e.steps for e in entries) <= done + kills * BLOCK
        assert spent(entries) >= least_epsilon(mechanisms(entries), 1e-5)
    command = [sys.executable, str(SCRIPT), str(vault), str(count_file)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=True)
    assert finished.stdout.splitlines()[-1] == "TrainingResult"
    entries, done = ledger(vault), executed(count_file)
    assert done <= sum(e.steps for e in entries) <= done + 3 * BLOCK
    assert sum(e.steps for e in entries if e.run_id == entries[-1].run_id) == STEPS
    assert least_epsilon(mechanisms(entries), 1e-5) <= spent(entries) <= 8.0

"""Commits cut from a killed vault's log, slots of the anchor exchanged: it is said, or nothing is lost."""

import random
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tests.app.store.log_cuts import cut_logs
from tests.faults.bit_flips import found_at_opening, stopped_vault
from tests.faults.cache_flips import SILENT
from tests.faults.call_faults import Tally

_TAKEN_FROM = ("anchor.0", "anchor.1", None)  # None: the slot is removed


def slot_exchanges(template: Path, scratch: Path, *, most: int, dice: random.Random) -> Iterator[Tally]:
    """Each slot kept, taken from the other or removed, at each end of the log; `most` of them at random."""
    stopped = stopped_vault(template, scratch / "exchanges")
    logs = cut_logs((stopped / "v" / "vault.db-wal").read_bytes())
    cases = list(product(range(len(logs)), _TAKEN_FROM, _TAKEN_FROM))
    chosen = dice.sample(cases, min(most, len(cases)))
    problems = [
        f"log up to commit {end + 1} of {len(logs)}, slots of {first} and {second}: passed in silence"
        for end, first, second in chosen
        if _passes_in_silence(stopped, scratch / "exchanged", logs[end], (first, second))
    ]
    yield Tally("log cut, slots exchanged", len(chosen), tuple(problems), "")


def _passes_in_silence(stopped: Path, folder: Path, log: bytes, slots: tuple[str | None, str | None]) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(stopped, folder)
    (folder / "v" / "vault.db-wal").write_bytes(log)
    for name, source in zip(("anchor.0", "anchor.1"), slots, strict=True):
        (folder / "v" / name).unlink()
        if source is not None:
            shutil.copy(stopped / "v" / source, folder / "v" / name)
    return found_at_opening(folder) == SILENT

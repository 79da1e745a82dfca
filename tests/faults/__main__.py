"""`python -m tests.faults`: a seeded slice of the fault harness; with `--all`, the whole of it."""

import argparse
import hashlib
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import app.store.header
import app.store.signing_keys
from app.store.key_derivation import KdfParameters, normalised
from tests.faults.audit_edits import audit_edits
from tests.faults.bit_flips import KINDS, bit_flips
from tests.faults.call_faults import Tally, call_faults
from tests.faults.deeds import DEEDS, prepare
from tests.faults.injector import compiler, start_again_with_injector
from tests.faults.power_loss import power_losses
from tests.faults.slot_exchanges import slot_exchanges

SHARED_MEMORY = Path("/dev/shm")


def main() -> int:
    """Exit code 0 where nothing was lost, nothing passed in silence and nothing crashed."""
    arguments = _arguments()
    if compiler() is None:
        print("no C compiler on this machine: the injector can't be built", file=sys.stderr)
        return 3
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a stopped run clears its scratch folder
    scratch = start_again_with_injector(SHARED_MEMORY if SHARED_MEMORY.is_dir() else None)
    try:
        for module in (app.store.header, app.store.signing_keys):
            module.wrapping_key = quick_key  # type: ignore[attr-defined]
        return _report(_families(arguments, scratch))
    finally:
        shutil.rmtree(scratch)


def quick_key(passphrase: str, salt: bytes, parameters: KdfParameters) -> bytes:
    """In place of Argon2id, which calls no disk: the same faults at the same calls, twenty times as many."""
    said = repr((normalised(passphrase), salt, parameters.checked()))
    return hashlib.sha256(said.encode("utf-8")).digest()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--all", action="store_true", help="every call, 100,000 states, 10,000 flips a file, 10,000 edits"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("calls", "power", "flips", "slots", "audit"), help="one family")
    parser.add_argument("--deed", choices=[deed.name for deed in DEEDS], help="one deed's calls and power")
    parser.add_argument("--share", type=float, help="the part of the calls to fail (default 0.01, or all)")
    parser.add_argument("--states", type=int, help="simulated losses of power (default 100, or 100,000)")
    parser.add_argument("--flips", type=int, help="flipped bits a file type (default 15, or 10,000)")
    parser.add_argument("--edits", type=int, help="edits of the audit log (default 56, or 10,000)")
    parser.add_argument(
        "--kind", choices=KINDS, action="append", help="one file type's flips; may be repeated"
    )
    return parser.parse_args()


def _families(arguments: argparse.Namespace, scratch: Path) -> Iterator[Tally]:
    dice, template = random.Random(arguments.seed), scratch / "template"
    template.mkdir()
    prepare(template)
    deeds = [deed for deed in DEEDS if arguments.deed in (None, deed.name)]
    share = arguments.share or (1.0 if arguments.all else 0.01)
    states = arguments.states or (100_000 if arguments.all else 100)
    flips = arguments.flips or (10_000 if arguments.all else 15)
    if arguments.only in (None, "calls"):
        yield from call_faults(deeds, template, scratch, share=share, dice=dice)
    if arguments.only in (None, "power"):
        yield from power_losses(deeds, template, scratch, states=states, dice=dice)
    if arguments.only in (None, "flips"):
        yield from bit_flips(template, scratch, arguments.kind or KINDS, flips=flips, dice=dice)
    if arguments.only in (None, "slots"):
        yield from slot_exchanges(template, scratch, most=100_000 if arguments.all else 30, dice=dice)
    if arguments.only in (None, "audit"):
        edits = arguments.edits or (10_000 if arguments.all else 56)
        yield from audit_edits(scratch, edits=edits, dice=dice)


def _report(families: Iterator[Tally]) -> int:
    tried = wrong = 0
    began = time.monotonic()
    for tally in families:
        tried, wrong = tried + tally.tried, wrong + len(tally.problems)
        counts = f"{tally.tried:7} tried {len(tally.problems):5} wrong"
        print(f"{tally.name:32} {counts} {tally.remark}", flush=True)
        for problem in tally.problems[:20]:
            print(f"    {problem}", flush=True)
    print(f"{tried} faults, {wrong} wrong, {time.monotonic() - began:.0f} s")
    return 1 if wrong or not tried else 0


if __name__ == "__main__":
    sys.exit(main())

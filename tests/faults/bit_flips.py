"""One flipped bit in each kind of file that the program owns: it is said, or nothing is lost by it."""

import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from app.errors import AnamnesisError
from app.store.check import check_vault
from ml.errors import MlError
from tests.faults.cache_flips import CACHES, SAID, SILENT, cache_flips
from tests.faults.call_faults import Tally
from tests.faults.deeds import DEEDS, open_it
from tests.faults.model_flips import MODELS, model_flips

sys.path.append(str(Path(__file__).parents[1] / "ml" / "federated"))

Judge = Callable[[bytes], str]
KINDS = (
    *("header.json", "vault.db", "vault.db-wal", "anchor.0", "anchor.1"),
    *("backup's header.json", "backup's vault.db", "backup's anchor.0", "backup's anchor.1"),
    *(*MODELS, *CACHES, "update"),
)
HARMLESS = "harmless"


def bit_flips(
    template: Path, scratch: Path, kinds: Sequence[str] = KINDS, *, flips: int, dice: random.Random
) -> Iterator[Tally]:
    """Flips in the chosen kinds of file."""
    stopped = stopped_vault(template, scratch)
    for kind in kinds:
        name = kind.removeprefix("backup's ")
        if kind in MODELS:
            whole, judge = model_flips(kind, template, scratch)
        elif kind in CACHES:
            whole, judge = cache_flips(kind, scratch)
        elif kind == "update":
            whole, judge = _of_update()
        elif name != kind:
            whole, judge = _of_backup(name, template, scratch)
        else:
            whole, judge = _of_file(name, stopped, scratch)
        yield _flip(kind, whole, judge, flips, dice)


def _flip(name: str, whole: bytes, judge: Judge, flips: int, dice: random.Random) -> Tally:
    outcomes: dict[str, int] = {}
    problems = []
    for _ in range(flips):
        at, bit = dice.randrange(len(whole)), dice.randrange(8)
        flipped = bytearray(whole)
        flipped[at] ^= 1 << bit
        try:
            outcome = judge(bytes(flipped))
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        if outcome not in (SAID, HARMLESS):
            problems.append(f"{name}, bit {bit} of byte {at}: {outcome}")
    remark = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if len(outcome) < 20)
    return Tally(f"flipped bit: {name}", flips, tuple(problems), f"({remark})")


def stopped_vault(template: Path, scratch: Path) -> Path:
    """A vault as a kill leaves it, with acknowledged commits in its write-ahead log."""
    folder = scratch / "stopped"
    scratch.mkdir(exist_ok=True)
    shutil.copytree(template, scratch / "running")

    def copy(what: str) -> None:
        if what == "debit":
            shutil.copytree(scratch / "running", folder, ignore=shutil.ignore_patterns("*-shm"))

    DEEDS[0].act(scratch / "running", copy)
    return folder


def found_at_opening(folder: Path) -> str:
    """Whether who opens the altered vault `folder`/v is told, or else whether anything is lost."""
    try:
        with open_it(folder / "v") as vault:
            if vault.read_only or not check_vault(vault).sound:
                return SAID
    except AnamnesisError:
        return SAID
    lost = DEEDS[0].check(folder, ["setting", "annotation", "note", "diagnosis", "debit"])
    return SILENT if lost else HARMLESS


def _anew(scratch: Path, source: Path) -> Path:
    """A folder that holds nothing but a copy of one vault."""
    folder = scratch / "flipped"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder / source.name)
    return folder


def _of_file(name: str, stopped: Path, scratch: Path) -> tuple[bytes, Judge]:
    def judge(data: bytes) -> str:
        folder = _anew(scratch, stopped / "v")
        (folder / "v" / name).write_bytes(data)
        return found_at_opening(folder)

    return (stopped / "v" / name).read_bytes(), judge


def _of_backup(name: str, template: Path, scratch: Path) -> tuple[bytes, Judge]:
    from app.store.backup import restore

    def judge(data: bytes) -> str:
        folder = _anew(scratch, template / "b0")
        (folder / "b0" / name).write_bytes(data)
        try:
            restore(folder / "b0", folder / "r", user="ann", passphrase="passphrase of ann")
        except AnamnesisError:
            return SILENT if (folder / "r").exists() else SAID
        shutil.copytree(template / "v", folder / "v")
        return HARMLESS if not _check_of("restore")(folder, ["r"]) else SILENT

    return (template / "b0" / name).read_bytes(), judge


def _check_of(name: str) -> Callable[[Path, Sequence[str]], list[str]]:
    return next(deed.check for deed in DEEDS if deed.name == name)


def _of_update() -> tuple[bytes, Judge]:
    from ml.federated.payload import write_payload
    from ml.federated.update_file import verify_update_file, write_update
    from tests.ml.federated.small_federation import IDENTITY, KEYS, OFFICER, SITE, base, some_delta, statement

    whole = write_update(statement(), write_payload(some_delta()), site_private=SITE, officer_private=OFFICER)

    def judge(data: bytes) -> str:
        try:
            verify_update_file(data, identity=IDENTITY, trusted=KEYS, base=base())
        except MlError:
            return SAID
        return SILENT

    return whole, judge

"""One fault at each call that a deed makes to the disk: nothing acknowledged is lost, nothing crashes."""

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.deeds import Deed
from tests.faults.injector import Ending, Fault, run_with_fault


@dataclass(frozen=True, slots=True)
class Tally:
    """What one family of faults came to."""

    name: str
    tried: int
    problems: tuple[str, ...]
    remark: str = ""


def call_faults(
    deeds: Sequence[Deed], template: Path, scratch: Path, *, share: float, dice: random.Random
) -> Iterator[Tally]:
    """Every deed with every fault, at all of its calls or at a share of them."""
    for deed in deeds:
        whole = _run(deed, template, scratch / "whole")
        if whole.how != "finished":
            yield Tally(f"{deed.name}", 1, (f"without a fault: {whole.how} {whole.said}",))
            continue
        for fault in list(Fault)[1:]:
            calls = range(whole.reads if fault.at_reads else whole.changes)
            chosen = calls if share >= 1 else dice.sample(calls, max(1, int(share * len(calls))))
            problems = [p for at in chosen for p in _one(deed, fault, at, template, scratch / "one")]
            yield Tally(f"{deed.name}: {fault.name.lower()}", len(chosen), tuple(problems))


def _run(deed: Deed, template: Path, folder: Path, fault: Fault = Fault.NOTHING, at: int = -1) -> Ending:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    if fault is Fault.NOTHING:  # a fault that is far away, so that reads are counted too
        fault, at = Fault.UNREADABLE_ONCE, 1 << 40
    return run_with_fault(deed.act, folder, fault=fault, at=at)


def _one(deed: Deed, fault: Fault, at: int, template: Path, folder: Path) -> list[str]:
    ending = _run(deed, template, folder, fault, at)
    where = f"{deed.name}, {fault.name.lower()} at call {at}"
    problems = [] if (ending.how == "killed") is fault.kills else [f"ended as {ending.how}"]
    if ending.how == "crashed":
        problems.append(ending.said)
    if "\n" in ending.said:
        problems.append("more than one line was said")
    try:
        problems += deed.check(folder, ending.acknowledged)
    except Exception as error:
        problems.append(f"afterwards {type(error).__name__}: {error}")
    return [f"{where}: {problem} (had said: {ending.said or '-'})" for problem in problems]

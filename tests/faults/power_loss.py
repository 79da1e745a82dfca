"""Simulated losses of power: from the record of a deed's calls, folders as a disk might hold them afterwards.

What was not synced may be there, be missing, or be there in part, sector by sector and in any order; names
that were made, moved or removed may be so only up to some call before the last sync of their folder.
"""

import hashlib
import os
import random
import shutil
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.call_faults import Tally
from tests.faults.deeds import Deed
from tests.faults.injector import run_with_fault

SECTOR = 512
_HEAD = struct.Struct("<cQqIH")


@dataclass(frozen=True, slots=True)
class Call:
    """A recorded call: Write, cuT, Sync, Create, Rename, eXchange, Unlink, Folder, folder gone (D), Mark."""

    letter: str
    inode: int
    offset: int
    path: str
    data: bytes


@dataclass(slots=True)
class _File:
    durable: bytes = b""
    pending: list[Call] = field(default_factory=list)


@dataclass(slots=True)
class Disk:
    """Files by number, folders by path: what is surely on disk, and what still waits in memory."""

    files: dict[int, _File] = field(default_factory=lambda: defaultdict(_File))
    names: dict[str, dict[str, int]] = field(default_factory=dict)
    waiting: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    live: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Disk":
        """A disk that holds a folder, all of it synced."""
        disk = cls(names={str(folder): {}})
        for path in folder.rglob("*"):
            number = path.stat().st_ino
            disk.names.setdefault(str(path.parent), {})[path.name] = number
            disk.live[str(path)] = number
            if path.is_dir():
                disk.names.setdefault(str(path), {})
            else:
                disk.files[number] = _File(path.read_bytes())
        return disk

    def apply(self, call: Call) -> None:
        """Go one call further."""
        if call.path.endswith("-shm"):
            return
        if call.letter in "WT":
            self.files[call.inode].pending.append(call)
        elif call.letter == "S":
            self._sync(call)
        elif call.letter in "CFRUDX":
            if call.letter == "C":
                self.files[call.inode] = _File()
            self.waiting[os.path.dirname(call.path)].append(call)

    def _sync(self, call: Call) -> None:
        if call.path in self.names or call.path in self.waiting:
            for waiting in self.waiting.pop(call.path, []):
                _rename_names(self.names, waiting)
            return
        file = self.files[call.inode]
        file.durable = _after(file.durable, file.pending)
        file.pending = []

    def crashed(self, dice: random.Random) -> dict[str, bytes | None]:
        """A state after a loss of power now: paths with content, None for a folder."""
        names = {folder: dict(entries) for folder, entries in self.names.items()}
        lucky = dice.choice((0.0, 0.5, 1.0, dice.random()))
        for calls in self.waiting.values():
            for call in calls[: dice.randint(0, len(calls)) if lucky < 1 else None]:
                _rename_names(names, call)
        state: dict[str, bytes | None] = {}
        for folder, entries in names.items():
            for name, number in entries.items():
                path = f"{folder}/{name}"
                is_folder = number < 0 or number not in self.files
                state[path] = None if is_folder else _torn(self.files[number], lucky, dice)
        return state


def _rename_names(names: dict[str, dict[str, int]], call: Call) -> None:
    folder, _, name = call.path.rpartition("/")
    entries = names.setdefault(folder, {})
    if call.letter == "C":
        entries[name] = call.inode
    elif call.letter == "F":
        entries[name] = -1
        names.setdefault(call.path, {})
    elif call.letter == "X":
        to = call.data.decode()
        other = names.setdefault(os.path.dirname(to), {})
        entries[name], other[os.path.basename(to)] = other[os.path.basename(to)], entries[name]
        _exchange_below(names, call.path, to)
    elif call.letter == "R":
        to = call.data.decode()
        if name in entries:
            names.setdefault(os.path.dirname(to), {})[os.path.basename(to)] = entries.pop(name)
        for below in [f for f in names if f == call.path or f.startswith(call.path + "/")]:
            names[to + below[len(call.path) :]] = names.pop(below)
    else:
        entries.pop(name, None)


def _exchange_below(names: dict[str, dict[str, int]], one: str, other: str) -> None:
    moved: dict[str, dict[str, int]] = {}
    for here, there in ((one, other), (other, one)):
        for below in [f for f in names if f == here or f.startswith(here + "/")]:
            moved[there + below[len(here) :]] = names.pop(below)
    names.update(moved)


def _after(content: bytes, calls: list[Call]) -> bytes:
    data = bytearray(content)
    for call in calls:
        if call.letter == "T":
            del data[call.offset :]
            data.extend(bytes(max(0, call.offset - len(data))))
        else:
            data.extend(bytes(max(0, call.offset - len(data))))
            data[call.offset : call.offset + len(call.data)] = call.data
    return bytes(data)


def _torn(file: _File, lucky: float, dice: random.Random) -> bytes:
    kept: list[Call] = []
    for call in file.pending:
        if call.letter == "T" or len(call.data) <= SECTOR:
            kept += [call] if dice.random() < lucky else []
            continue
        for at in range(0, len(call.data), SECTOR):
            if dice.random() < lucky:
                kept.append(Call("W", 0, call.offset + at, "", call.data[at : at + SECTOR]))
    return _after(file.durable, kept)


def read_record(path: Path) -> list[Call]:
    """The calls that the injector wrote down."""
    data, at, calls = path.read_bytes(), 0, []
    while at < len(data):
        letter, inode, offset, size, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        name, body = data[at : at + length].decode(), data[at + length : at + length + size]
        calls.append(Call(letter.decode(), inode, offset, name, body))
        at += length + size
    return calls


def power_losses(
    deeds: Sequence[Deed], template: Path, scratch: Path, *, states: int, dice: random.Random
) -> Iterator[Tally]:
    """Losses of power during every deed, spread evenly over its calls."""
    for deed in deeds:
        yield _of_deed(deed, template, scratch, states // len(deeds) or 1, dice)


def _of_deed(deed: Deed, template: Path, scratch: Path, states: int, dice: random.Random) -> Tally:
    folder, record = scratch / "live", scratch / "record"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    disk = Disk.of(folder)
    record.unlink(missing_ok=True)
    run_with_fault(deed.act, folder, record=record)
    calls = read_record(record)
    moments = sorted(dice.choices(range(len(calls) + 1), k=states))
    problems, seen, done, acknowledged = [], set(), 0, list[str]()
    for moment in moments:
        while done < moment:
            if calls[done].letter == "M":
                acknowledged.append(calls[done].path)
            disk.apply(calls[done])
            done += 1
        state = disk.crashed(dice)
        digest = hashlib.sha256(repr((sorted(state.items()), acknowledged)).encode()).digest()
        if digest not in seen:
            seen.add(digest)
            problems += _judge(deed, state, folder, acknowledged, f"{deed.name}, after call {moment}")
    return Tally(f"{deed.name}: loss of power", len(moments), tuple(problems), f"({len(seen)} different)")


def _judge(
    deed: Deed, state: dict[str, bytes | None], folder: Path, acknowledged: list[str], where: str
) -> list[str]:
    shutil.rmtree(folder)
    folder.mkdir()
    for path, content in sorted(state.items()):
        if content is None:
            Path(path).mkdir(parents=True, exist_ok=True)
        elif Path(path).parent.is_dir():
            Path(path).write_bytes(content)
    try:
        return [f"{where}: {problem}" for problem in deed.check(folder, acknowledged)]
    except Exception as error:
        return [f"{where}: {type(error).__name__}: {error}"]

"""The anchor: what the database must say at the next open, kept outside it.

SQLCipher alone sees neither an older database put back nor a lost write-ahead log. So after each
commit two alternating files say: commit sequence, audit head, epsilon spent, under an HMAC that is each
file's own, so that neither can stand for the other. An acknowledgement comes after the anchor is on disk.

The first form had one HMAC key for both. It counts as long as it can't be the other file's copy, and
each commit overwrites one.
"""

import hmac
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from app.store.durable_file import open_to_write, read_regular, sync_folder
from app.store.key_derivation import subkey

EPSILON_FLOOR = "privacy.epsilon_floor"
UNKNOWN = "unknown"
SLOTS = ("0", "1")
_UNBOUND = ""  # of the first form
SLOT_BYTES = 512  # one sector: overwritten in place, so a full disk can't refuse it


@dataclass(frozen=True, slots=True)
class Anchor:
    """State after a commit. `audit_head` is hexadecimal; `epsilon_spent` is None where not known.

    `is_backup` where it stands beside a backup's copy, which is read and restored, not written.
    """

    sequence: int
    audit_sequence: int
    audit_head: str
    epsilon_spent: float | None
    is_backup: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """What a slot holds; `bound` where its HMAC is that slot's own."""

    anchor: Anchor
    bound: bool


class AnchorFile:
    """The two slots `anchor.0` and `anchor.1` of one vault.

    Both always hold, except where a stop fell between a commit and its anchor: so a slot that was
    removed to hide the newest commits shows.
    """

    def __init__(self, folder: Path, data_key: bytes, *, being_changed: bool = False):
        """`being_changed`: this key is about to come into force, and its anchor waits in `anchor.next`."""
        self._folder = folder
        self._keys = {slot: subkey(data_key, f"anchor.{slot}") for slot in (*SLOTS, "next")}
        self._keys[_UNBOUND] = subkey(data_key, "anchor")
        self._being_changed = being_changed

    def read(self) -> Anchor | None:
        """The newest slot whose HMAC holds; None where neither does."""
        return max(self.slots(), key=lambda a: a.sequence, default=None)

    def slots(self) -> list[Anchor]:
        """Every slot that holds: two in a sound vault."""
        found = [self._read(slot) for slot in SLOTS]
        waiting = self._read("next") if self._being_changed else None
        if waiting is not None and (waiting.bound or not _tells_otherwise(waiting, found)):
            return [waiting.anchor, waiting.anchor]
        return [f.anchor for n, f in enumerate(found) if f is not None and _counts(n, f, found[1 - n])]

    def are_former_twins(self) -> bool:
        """Whether both slots say the same in the first form: of a backup, or after a change of key.

        Or the older one was copied over the newer one.
        """
        first, second = (self._read(slot) for slot in SLOTS)
        return first is not None and first == second and not first.bound

    def write(self, anchor: Anchor) -> None:
        """Write the slot that is older, and sync it."""
        self._write("next" if self._being_changed else str(anchor.sequence % 2), anchor)

    def write_both(self, anchor: Anchor) -> None:
        """Write both slots: for a database that is new or has a new key."""
        for slot in SLOTS:
            self._write(slot, anchor)

    def adopt_next(self) -> None:
        """Make the waiting anchor the only one; does nothing where that was done.

        Raises OSError where it can't be read: it is the only one that holds, and stays for another try.
        """
        try:
            waiting = self._parsed("next", read_regular(self._path("next"), largest=SLOT_BYTES))
        except FileNotFoundError:
            return
        except ValueError as error:
            raise OSError(str(error)) from error
        if waiting is not None:
            self.write_both(waiting.anchor)
        self._path("next").unlink()
        sync_folder(self._folder)

    def _write(self, slot: str, anchor: Anchor) -> None:
        body = json.dumps(asdict(anchor), sort_keys=True).encode("utf-8")
        record = (self._mac(slot, body) + b"\n" + body).ljust(SLOT_BYTES)
        path = self._path(slot)
        is_new = not path.exists()
        handle = open_to_write(path, os.O_WRONLY)
        try:
            with open(handle, "wb", closefd=False) as stream:
                stream.write(record)
            os.ftruncate(handle, len(record))
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            sync_folder(self._folder)

    def _read(self, slot: str) -> _Found | None:
        try:
            return self._parsed(slot, read_regular(self._path(slot), largest=SLOT_BYTES))
        except (OSError, ValueError):
            return None

    def _parsed(self, slot: str, data: bytes) -> _Found | None:
        mac, _, padded = data.partition(b"\n")
        body = padded.rstrip(b" ")
        bound = hmac.compare_digest(mac, self._mac(slot, body))
        if not bound and not hmac.compare_digest(mac, self._mac(_UNBOUND, body)):
            return None
        return _Found(msgspec.json.decode(body, type=Anchor), bound)

    def _path(self, slot: str) -> Path:
        return self._folder / f"anchor.{slot}"

    def _mac(self, slot: str, body: bytes) -> bytes:
        return hmac.digest(self._keys[slot], body, "sha256").hex().encode("ascii")


def _counts(number: int, found: _Found, other: _Found | None) -> bool:
    """The first form counts in the slot that its sequence was written to, not beside a later history."""
    if found.bound:
        return True
    sequence = found.anchor.sequence
    follows = other is None or not other.bound or other.anchor.sequence == sequence + 1
    return sequence % 2 == number and follows


def _tells_otherwise(waiting: _Found, found: list[_Found | None]) -> bool:
    """Whether a slot of the new key holds already, and not what waits: then that was put back."""
    return any(f is not None and f.anchor != waiting.anchor for f in found)

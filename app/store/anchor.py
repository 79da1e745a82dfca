"""The anchor: what the database must say at the next open, kept outside it.

SQLCipher alone sees neither an older database put back nor a lost write-ahead log. So after each
commit two alternating files say: commit sequence, audit head, epsilon spent, under an HMAC. An
acknowledgement comes after the anchor is on disk.
"""

import hmac
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from app.store.durable_file import read_regular, sync_folder
from app.store.key_derivation import subkey

EPSILON_FLOOR = "privacy.epsilon_floor"
UNKNOWN = "unknown"
SLOT_BYTES = 512  # one sector: overwritten in place, so a full disk can't refuse it


@dataclass(frozen=True, slots=True)
class Anchor:
    """State after a commit. `audit_head` is hexadecimal; `epsilon_spent` is None where not known."""

    sequence: int
    audit_sequence: int
    audit_head: str
    epsilon_spent: float | None


class AnchorFile:
    """The two slots `anchor.0` and `anchor.1` of one vault.

    Both always hold, except where a stop fell between a commit and its anchor: so a slot that was
    removed to hide the newest commits shows.
    """

    def __init__(self, folder: Path, data_key: bytes, *, being_changed: bool = False):
        """`being_changed`: this key is about to come into force, and its anchor waits in `anchor.next`."""
        self._folder = folder
        self._key = subkey(data_key, "anchor")
        self._being_changed = being_changed

    def read(self) -> Anchor | None:
        """The newest slot whose HMAC holds; None where neither does."""
        return max(self.slots(), key=lambda a: a.sequence, default=None)

    def slots(self) -> list[Anchor]:
        """Every slot that holds: two in a sound vault."""
        waiting = self._read("next") if self._being_changed else None
        if waiting is not None:
            return [waiting, waiting]
        return [anchor for slot in ("0", "1") if (anchor := self._read(slot)) is not None]

    def write(self, anchor: Anchor) -> None:
        """Write the slot that is older, and sync it."""
        self._write("next" if self._being_changed else str(anchor.sequence % 2), anchor)

    def write_both(self, anchor: Anchor) -> None:
        """Write both slots: for a database that is new or has a new key."""
        for slot in ("0", "1"):
            self._write(slot, anchor)

    def adopt_next(self) -> None:
        """Make the waiting anchor the only one; does nothing where that was done.

        Raises OSError where it can't be read: it is the only one that holds, and stays for another try.
        """
        try:
            waiting = self._parsed(read_regular(self._path("next"), largest=SLOT_BYTES))
        except FileNotFoundError:
            return
        except ValueError as error:
            raise OSError(str(error)) from error
        if waiting is not None:
            self.write_both(waiting)
        self._path("next").unlink()
        sync_folder(self._folder)

    def _write(self, slot: str, anchor: Anchor) -> None:
        body = json.dumps(asdict(anchor), sort_keys=True).encode("utf-8")
        record = (self._mac(body).encode("ascii") + b"\n" + body).ljust(SLOT_BYTES)
        path = self._path(slot)
        is_new = not path.exists()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            with open(handle, "wb", closefd=False) as stream:
                stream.write(record)
            os.ftruncate(handle, len(record))
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            sync_folder(self._folder)

    def _read(self, slot: str) -> Anchor | None:
        try:
            return self._parsed(read_regular(self._path(slot), largest=SLOT_BYTES))
        except (OSError, ValueError):
            return None

    def _parsed(self, data: bytes) -> Anchor | None:
        mac, _, padded = data.partition(b"\n")
        body = padded.rstrip(b" ")
        if not hmac.compare_digest(mac, self._mac(body).encode("ascii")):
            return None
        return msgspec.json.decode(body, type=Anchor)

    def _path(self, slot: str) -> Path:
        return self._folder / f"anchor.{slot}"

    def _mac(self, body: bytes) -> str:
        return hmac.digest(self._key, body, "sha256").hex()

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

from app.store.durable_file import sync_folder
from app.store.key_derivation import subkey


@dataclass(frozen=True, slots=True)
class Anchor:
    """State after a commit. `audit_head` is hexadecimal; epsilon as the ledger says."""

    sequence: int
    audit_sequence: int
    audit_head: str
    epsilon_spent: float


class AnchorFile:
    """The two slots `anchor.0` and `anchor.1` of one vault."""

    def __init__(self, folder: Path, data_key: bytes):
        self._folder = folder
        self._key = subkey(data_key, "anchor")

    def read(self) -> Anchor | None:
        """The newest slot whose HMAC holds; None where neither does."""
        valid = [anchor for slot in (0, 1) if (anchor := self._read(slot)) is not None]
        return max(valid, key=lambda a: a.sequence, default=None)

    def write(self, anchor: Anchor) -> None:
        """Write the slot that is older, and sync it."""
        body = json.dumps(asdict(anchor), sort_keys=True).encode("utf-8")
        path = self._path(anchor.sequence % 2)
        is_new = not path.exists()
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, self._mac(body).encode("ascii") + b"\n" + body)
            os.fsync(handle)
        finally:
            os.close(handle)
        if is_new:
            sync_folder(self._folder)

    def _read(self, slot: int) -> Anchor | None:
        try:
            mac, _, body = self._path(slot).read_bytes().partition(b"\n")
        except OSError:
            return None
        if not hmac.compare_digest(mac, self._mac(body).encode("ascii")):
            return None
        return msgspec.json.decode(body, type=Anchor)

    def _path(self, slot: int) -> Path:
        return self._folder / f"anchor.{slot}"

    def _mac(self, body: bytes) -> str:
        return hmac.digest(self._key, body, "sha256").hex()

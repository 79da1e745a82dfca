"""Anchors in their first form, whose HMAC did not say for which slot it stood."""

import hmac
import json
from dataclasses import asdict
from pathlib import Path

from app.store.anchor import SLOT_BYTES, Anchor, AnchorFile
from app.store.key_derivation import subkey


def write_former(path: Path, data_key: bytes, anchor: Anchor) -> None:
    """One slot, as versions before wrote it."""
    names = ("sequence", "audit_sequence", "audit_head", "epsilon_spent")
    values = {name: asdict(anchor)[name] for name in names}
    body = json.dumps(values, sort_keys=True).encode("utf-8")
    mac = hmac.digest(subkey(data_key, "anchor"), body, "sha256").hex().encode("ascii")
    path.write_bytes((mac + b"\n" + body).ljust(SLOT_BYTES))


def make_former(folder: Path, data_key: bytes) -> None:
    """Both slots of a vault as versions before wrote them."""
    for slot, anchor in zip("01", AnchorFile(folder, data_key).slots(), strict=True):
        write_former(folder / f"anchor.{slot}", data_key, anchor)

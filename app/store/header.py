"""The vault's header file: who may open it, each with a slot that wraps the one data key.

As in LUKS, a slot is salt + Argon2id cost + AES-GCM of the data key, bound to the vault, the user
and the role as associated data. The whole header carries an HMAC under a subkey of the data key,
checked right after a slot has opened.
"""

import hmac
import json
import os
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import UsageError, VaultDamaged, VaultLocked, VaultTooNew
from app.store.durable_file import write_durably
from app.store.key_derivation import KEY_BYTES, KdfParameters, subkey, wrapping_key

FORMAT = "anamnesis-vault"
VERSION = 1
NAME = "header.json"
RECOVERY = "recovery"
LARGEST_BYTES = 1 << 20


class Role(StrEnum):
    """What a person may do; enforced by policy, except that only key holders can open anything."""

    CLINICIAN = "clinician"
    ANNOTATOR = "annotator"
    ADJUDICATOR = "adjudicator"
    TRAINER = "trainer"
    PRIVACY_OFFICER = "privacy-officer"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class KeySlot:
    """One way in. Byte fields are hexadecimal text."""

    user: str
    role: Role
    kdf: KdfParameters
    salt: str
    nonce: str
    wrapped: str


@dataclass(frozen=True, slots=True)
class Header:
    """The header's content; `mac` covers everything else."""

    vault_id: str
    slots: tuple[KeySlot, ...] = ()
    format: str = FORMAT
    version: int = VERSION
    mac: str = field(default="")

    def slot(self, user: str) -> KeySlot | None:
        """The slot of a user."""
        return next((s for s in self.slots if s.user == user), None)

    def with_slot(self, slot: KeySlot) -> "Header":
        """With one slot added or replaced."""
        others = tuple(s for s in self.slots if s.user != slot.user)
        return replace(self, slots=(*others, slot))

    def without(self, user: str) -> "Header":
        """With one user's slot removed. Raises UsageError for the last person's."""
        left = tuple(s for s in self.slots if s.user != user)
        if len(left) == len(self.slots):
            raise UsageError("there is no such user in this vault; see `anamnesis vault status`")
        if not any(s.user != RECOVERY for s in left):
            raise UsageError("the last user can't be removed; add another first")
        return replace(self, slots=left)


def make_slot(
    data_key: bytes, *, vault_id: str, user: str, role: Role, passphrase: str, kdf: KdfParameters
) -> KeySlot:
    """Wrap the data key for one user."""
    if not user or len(user) > 200:
        raise UsageError("a user needs a name of 1 to 200 characters")
    if len(passphrase) < 8:
        raise UsageError("the passphrase must have at least 8 characters; several words are best")
    salt, nonce = os.urandom(16), os.urandom(12)
    bound = _associated(vault_id, user, role, kdf)
    wrapped = AESGCM(wrapping_key(passphrase, salt, kdf)).encrypt(nonce, data_key, bound)
    return KeySlot(user, role, kdf, salt.hex(), nonce.hex(), wrapped.hex())


def unwrap(header: Header, user: str, passphrase: str) -> bytes:
    """The data key. Raises VaultLocked (user or passphrase), VaultDamaged (the header was altered)."""
    slot = header.slot(user)
    if slot is None:
        raise VaultLocked("user or passphrase is wrong; check both, or use the recovery words")
    key = wrapping_key(passphrase, bytes.fromhex(slot.salt), slot.kdf)
    bound = _associated(header.vault_id, slot.user, slot.role, slot.kdf)
    try:
        data_key = AESGCM(key).decrypt(bytes.fromhex(slot.nonce), bytes.fromhex(slot.wrapped), bound)
    except InvalidTag as error:
        raise VaultLocked("user or passphrase is wrong; check both, or use the recovery words") from error
    if len(data_key) != KEY_BYTES or not hmac.compare_digest(header.mac, mac_of(header, data_key)):
        raise VaultDamaged("the vault's header was altered; restore header.json from a backup")
    return data_key


def mac_of(header: Header, data_key: bytes) -> str:
    """HMAC-SHA256 of the header without its `mac`, hexadecimal."""
    return hmac.digest(subkey(data_key, "header"), _canonical(replace(header, mac="")), "sha256").hex()


def read_header(folder: Path) -> Header:
    """Read and check the shape. Raises VaultDamaged, VaultTooNew."""
    path = folder / NAME
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise VaultDamaged(f"{path} is far too large for a vault's header; restore it from a backup")
        raw = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise VaultDamaged(f"{folder} is no vault; make one with `anamnesis vault create`") from error
    except (OSError, ValueError, RecursionError) as error:
        raise VaultDamaged(f"{path} cannot be read or is cut; restore it from a backup") from error
    return _header(raw, path)


def write_header(folder: Path, header: Header, data_key: bytes) -> None:
    """Seal the header with its MAC and write it whole or not at all."""
    sealed = replace(header, mac=mac_of(header, data_key))
    write_durably(folder / NAME, json.dumps(msgspec.to_builtins(sealed), indent=1).encode("utf-8"))


def _header(raw: Any, path: Path) -> Header:
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise VaultDamaged(f"{path} is not the header of a vault; check the folder's name")
    if isinstance(raw.get("version"), int) and raw["version"] > VERSION:
        raise VaultTooNew("this vault was made by a newer version of the program; update the program")
    try:
        header = msgspec.convert(raw, Header)
        for slot in header.slots:
            bytes.fromhex(slot.salt + slot.nonce + slot.wrapped)
    except (msgspec.ValidationError, ValueError) as error:
        raise VaultDamaged(f"{path} was altered; restore it from a backup") from error
    return header


def _associated(vault_id: str, user: str, role: Role, kdf: KdfParameters) -> bytes:
    cost = [kdf.memory_kib, kdf.time_cost, kdf.parallelism]
    return json.dumps([FORMAT, VERSION, vault_id, user, role, cost]).encode("utf-8")


def _canonical(header: Header) -> bytes:
    return json.dumps(msgspec.to_builtins(header), sort_keys=True, separators=(",", ":")).encode("utf-8")

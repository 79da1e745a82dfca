"""The vault's header file: who may open it, each with a slot that wraps the one data key.

As in LUKS, a slot is salt + Argon2id cost + AES-GCM of the data key, bound to the vault, the user
and the role as associated data; a slot that is bound to a device needs that device's secret as well.
The whole header carries an HMAC under a subkey of the data key, checked right after a slot has opened.
While the data key is being changed the header holds slots of both keys, and an HMAC under each.
"""

import hmac
import json
import os
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked, VaultTooNew, WrongPassphrase
from app.store.device_secret import ID_BYTES, find_secret
from app.store.durable_file import read_regular, reason_of, write_durably
from app.store.key_derivation import KEY_BYTES, KdfParameters, bound_key, normalised, subkey, wrapping_key
from app.store.new_passphrase import refuse_weak
from app.store.recovery_words import normalised_words

FORMAT = "anamnesis-vault"
VERSION = 2  # of a header with a bound slot; without one it stays 1, which older programs read
NAME = "header.json"
RECOVERY = "recovery"
LARGEST_BYTES = 1 << 20
_WRONG = "user or passphrase is wrong; check both, or use the recovery words"


class Role(StrEnum):
    """What a person may do; enforced by policy, except that only key holders can open anything."""

    CLINICIAN = "clinician"
    ANNOTATOR = "annotator"
    ADJUDICATOR = "adjudicator"
    TRAINER = "trainer"
    PRIVACY_OFFICER = "privacy-officer"
    ADMINISTRATOR = "administrator"
    RECOVERY = "recovery"


_NOBODY = (Role.RECOVERY, Role.ADMINISTRATOR)  # no person, or no key


@dataclass(frozen=True, slots=True)
class KeySlot:
    """One way in. Byte fields are hexadecimal text; `device` is empty where the slot is bound to none."""

    user: str
    role: Role
    kdf: KdfParameters
    salt: str
    nonce: str
    wrapped: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The header's content. The two MACs cover everything else, under the key in force and the next.

    `next_slots`, `bridge` (the key in force, sealed under the next) and `next_mac` are empty
    unless the data key is being changed.
    """

    vault_id: str
    slots: tuple[KeySlot, ...] = ()
    format: str = FORMAT
    version: int = 1
    next_slots: tuple[KeySlot, ...] = ()
    bridge: str = ""
    mac: str = ""
    next_mac: str = ""

    def slot(self, user: str) -> KeySlot | None:
        """The slot of a user."""
        return _slot_of(self.slots, user)

    def with_slot(self, slot: KeySlot) -> "Header":
        """With one slot added or replaced."""
        others = tuple(s for s in self.slots if s.user != slot.user)
        return replace(self, slots=(*others, slot))

    def without(self, user: str) -> "Header":
        """With one user's slot removed. Raises UsageError for the last person's."""
        left = tuple(s for s in self.slots if s.user != normalised(user))
        if len(left) == len(self.slots):
            raise UsageError("there is no such user in this vault; see `anamnesis vault status`")
        if not any(s.role not in _NOBODY for s in left):
            raise UsageError("the last user who holds a key can't be removed; add another first")
        return replace(self, slots=left)


@dataclass(frozen=True, slots=True, repr=False)
class UnlockedKeys:
    """What a passphrase opened: the key of `slots`, and the one of `next_slots`; one may be missing."""

    current: bytes | None
    following: bytes | None = None


def make_slot(
    data_key: bytes, *, vault_id: str, user: str, role: Role, passphrase: str, kdf: KdfParameters
) -> KeySlot:
    """Wrap the data key for one user, under a new passphrase; raises UsageError where it is weak.

    An administrator's slot wraps a random value: it opens nothing.
    """
    name = normalised(user)
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise UsageError("a user needs a name of 1 to 200 printable characters")
    if (name == RECOVERY) is not (role is Role.RECOVERY):
        raise UsageError(f"the name {RECOVERY!r} belongs to the recovery words; choose another")
    refuse_weak(passphrase)
    return _filled(KeySlot(name, role, kdf, "", "", ""), data_key, vault_id, passphrase)


def remade_slot(
    slot: KeySlot, data_key: bytes, *, vault_id: str, passphrase: str, kdf: KdfParameters | None = None
) -> KeySlot:
    """The same person's slot around a key; bound to the device that `slot` names, whose secret must be here.

    Raises VaultLocked where it is not.
    """
    return _filled(replace(slot, kdf=kdf or slot.kdf), data_key, vault_id, passphrase)


def passphrase_key(slot: KeySlot, *, vault_id: str, passphrase: str) -> bytes:
    """What Argon2id makes of the passphrase that opens a slot. Raises WrongPassphrase."""
    key = wrapping_key(passphrase, bytes.fromhex(slot.salt), slot.kdf)
    if _unwrapped(slot, key, vault_id) is None:
        raise WrongPassphrase("that is not your passphrase; type the one that you sign in with")
    return key


def rebound_slot(slot: KeySlot, data_key: bytes, *, vault_id: str, key: bytes, device: str) -> KeySlot:
    """The same slot bound to a device, or to none where that is empty; `key` is its `passphrase_key`.

    Its salt stays, so that nothing is derived twice: a device's secret makes another key of it.
    """
    return _wrapped(replace(slot, device=device), data_key, vault_id, key)


def unlock(header: Header, user: str, passphrase: str) -> UnlockedKeys:
    """The data key, and its successor where one is under way. Raises VaultLocked, VaultDamaged."""
    if is_administrator(header, user, passphrase):
        raise VaultLocked("an administrator holds no key to the records; a colleague who does must sign in")
    following = _opened(header, header.next_slots, user, passphrase)
    if following is not None:
        _check_mac(header, header.next_mac, following)
        return UnlockedKeys(_bridged(header, following), following)
    current = _opened(header, header.slots, user, passphrase)
    if current is None:
        raise WrongPassphrase(_WRONG)
    _check_mac(header, header.mac, current)
    return UnlockedKeys(current)


def is_administrator(header: Header, user: str, passphrase: str) -> bool:
    """Whether this is an administrator with her passphrase; a wrong one of hers raises WrongPassphrase."""
    slot = header.slot(user)
    if slot is None or slot.role is not Role.ADMINISTRATOR:
        return False
    if _opened(header, header.slots, user, passphrase) is None:
        raise WrongPassphrase(_WRONG)
    return True


def mac_of(header: Header, data_key: bytes) -> str:
    """HMAC-SHA256 of the header without its MACs, hexadecimal."""
    return hmac.digest(subkey(data_key, "header"), _rendered(_bare(header)), "sha256").hex()


def read_header(folder: Path) -> Header:
    """Read and check the shape. Raises VaultDamaged, VaultTooNew."""
    path = folder / NAME
    try:
        data = read_regular(path, largest=LARGEST_BYTES)
        raw = json.loads(data)
    except (FileNotFoundError, NotADirectoryError) as error:
        is_there = folder.exists()
        said = f"{folder} is no vault" if is_there else f"there is no folder {folder}"
        advice = "check the name" if is_there else "check the name and where you are"
        raise VaultDamaged(
            f"{said}; {advice}, or make a new one (by `anamnesis vault create` at the command line)"
        ) from error
    except PermissionError as error:
        raise VaultLocked(f"{path} may not be read by this account; ask IT for access") from error
    except (OSError, ValueError, RecursionError) as error:
        raise VaultDamaged(f"{path} cannot be read or is cut; restore it from a backup") from error
    return _header(raw, data, path)


def verified_header(folder: Path, data_key: bytes) -> Header:
    """The header, its MAC checked. Whoever changes a header reads it so, lest she seal what was altered."""
    header = read_header(folder)
    _check_mac(header, header.mac, data_key)
    return header


def write_header(folder: Path, header: Header, data_key: bytes, *, next_key: bytes | None = None) -> None:
    """Seal the header with its MACs and write it whole or not at all."""
    header = replace(header, version=_version_of(header))
    next_mac = mac_of(header, next_key) if next_key is not None else ""
    sealed = replace(header, mac=mac_of(header, data_key), next_mac=next_mac)
    try:
        write_durably(folder / NAME, _rendered(sealed))
    except OSError as error:
        raise VaultError(
            f"the vault's header could not be written ({reason_of(error)}); free space or mend the disk, "
            "then look with `anamnesis vault status` who has access"
        ) from error


def bridge(old_key: bytes, next_key: bytes) -> str:
    """The old key under the next: who holds the next one can finish the change."""
    nonce = os.urandom(12)
    sealed = AESGCM(subkey(next_key, "bridge")).encrypt(nonce, old_key, FORMAT.encode())
    return (nonce + sealed).hex()


def _bridged(header: Header, next_key: bytes) -> bytes:
    data = bytes.fromhex(header.bridge)
    return AESGCM(subkey(next_key, "bridge")).decrypt(data[:12], data[12:], FORMAT.encode())


def _slot_of(slots: tuple[KeySlot, ...], user: str) -> KeySlot | None:
    name = normalised(user)
    return next((s for s in slots if s.user == name), None)


def _opened(header: Header, slots: tuple[KeySlot, ...], user: str, passphrase: str) -> bytes | None:
    slot = _slot_of(slots, user)
    if slot is None:
        return None
    secret = normalised_words(passphrase) if slot.role is Role.RECOVERY else passphrase
    if slot.device:
        find_secret(slot.device)  # first: without it there is nothing to try
    return _unwrapped(slot, wrapping_key(secret, bytes.fromhex(slot.salt), slot.kdf), header.vault_id)


def _filled(slot: KeySlot, data_key: bytes, vault_id: str, passphrase: str) -> KeySlot:
    """A slot with fresh salt and nonce around a key."""
    salt = os.urandom(16)
    return _wrapped(
        replace(slot, salt=salt.hex()), data_key, vault_id, wrapping_key(passphrase, salt, slot.kdf)
    )


def _wrapped(slot: KeySlot, data_key: bytes, vault_id: str, key: bytes) -> KeySlot:
    """The slot around a data key; an administrator's around a random value."""
    nonce = os.urandom(12)
    content = os.urandom(KEY_BYTES) if slot.role is Role.ADMINISTRATOR else data_key
    sealed = AESGCM(_slot_key(slot, key)).encrypt(nonce, content, _associated(vault_id, slot))
    return replace(slot, nonce=nonce.hex(), wrapped=sealed.hex())


def _unwrapped(slot: KeySlot, key: bytes, vault_id: str) -> bytes | None:
    nonce, sealed = bytes.fromhex(slot.nonce), bytes.fromhex(slot.wrapped)
    try:
        return AESGCM(_slot_key(slot, key)).decrypt(nonce, sealed, _associated(vault_id, slot))
    except InvalidTag:
        return None


def _slot_key(slot: KeySlot, passphrase_key: bytes) -> bytes:
    """The key itself; of a bound slot with the device's secret in it."""
    if not slot.device:
        return passphrase_key
    held = find_secret(slot.device)
    return bound_key(passphrase_key, held.secret, held.device)


def _check_mac(header: Header, mac: str, key: bytes) -> None:
    expected = mac_of(header, key).encode("ascii")
    if len(key) != KEY_BYTES or not hmac.compare_digest(mac.encode("utf-8", "replace"), expected):
        raise VaultDamaged("the vault's header was altered; restore header.json from a backup")


def _header(raw: Any, data: bytes, path: Path) -> Header:
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise VaultDamaged(f"{path} is not the header of a vault; check the folder's name")
    if isinstance(raw.get("version"), int) and raw["version"] > VERSION:
        raise VaultTooNew("this vault was made by a newer version of the program; update the program")
    try:
        header = msgspec.convert(raw, Header)
        sizes = {
            tuple(len(bytes.fromhex(text)) for text in (s.salt, s.nonce, s.wrapped, s.device))
            for s in (*header.slots, *header.next_slots)
        }
        bytes.fromhex(header.bridge)
    except (msgspec.ValidationError, ValueError) as error:
        raise VaultDamaged(f"{path} was altered; restore it from a backup") from error
    allowed = {(16, 12, KEY_BYTES + 16, device) for device in (0, ID_BYTES)}
    if _rendered(header) != data or sizes - allowed or header.version != _version_of(header):
        raise VaultDamaged(f"{path} was altered; restore it from a backup")
    return header


def _associated(vault_id: str, slot: KeySlot) -> bytes:
    cost = [slot.kdf.memory_kib, slot.kdf.time_cost, slot.kdf.parallelism]
    bound = [FORMAT, 2 if slot.device else 1, vault_id, slot.user, slot.role, cost]
    return json.dumps([*bound, slot.device] if slot.device else bound).encode("utf-8")


def _version_of(header: Header) -> int:
    return 2 if any(slot.device for slot in (*header.slots, *header.next_slots)) else 1


def _bare(header: Header) -> Header:
    return replace(header, mac="", next_mac="")


def _rendered(header: Header) -> bytes:
    """The one form that a header has on disk, so that no altered byte passes."""
    value = msgspec.to_builtins(header)
    for slot in (*value["slots"], *value["next_slots"]):
        if not slot["device"]:
            del slot["device"]
    return json.dumps(value, indent=1).encode("utf-8")

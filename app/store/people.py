"""Who may open a vault: adding, removing and re-keying people. Each is one audited deed."""

from dataclasses import dataclass, replace

from app.config.settings import state_dir
from app.errors import UsageError, VaultLocked
from app.store.attempt_throttle import AttemptThrottle, unlock_throttled
from app.store.header import (
    RECOVERY,
    Header,
    KeySlot,
    Role,
    is_administrator,
    make_slot,
    read_header,
    remade_slot,
    verified_header,
    write_header,
)
from app.store.key_derivation import KdfParameters, cost_for_this_machine, normalised
from app.store.new_passphrase import refuse_weak
from app.store.rights import Right, has_right
from app.store.signing_keys import (
    change_officer_passphrase,
    make_officer_key,
    officer_private_key,
    officer_public_keys,
    remove_officer_key,
)
from app.store.user_names import refuse_unclear_name
from app.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with a slot; `bound` where her passphrase opens the vault on one device alone."""

    user: str
    role: Role
    bound: bool


def list_people(vault: Vault) -> tuple[Person, ...]:
    """Who may open the vault or agree; the recovery words are nobody."""
    slots = read_header(vault.path).slots
    return tuple(Person(s.user, s.role, bool(s.device)) for s in slots if s.role is not Role.RECOVERY)


def add_user(
    vault: Vault,
    *,
    user: str,
    passphrase: str,
    role: Role,
    kdf: KdfParameters | None = None,
    approved_by: str = "",
) -> None:
    """Give a person a slot, a privacy officer also a signing key. Raises UsageError for a taken name.

    `approved_by` names the administrator who agreed, where the policy wants one (`approve`).
    """
    vault.require(Right.PEOPLE)
    header = verified_header(vault.path, vault.data_key())
    refuse_unclear_name(user, beside=[slot.user for slot in header.slots])
    slot = make_slot(
        vault.data_key(),
        vault_id=header.vault_id,
        user=user,
        role=role,
        passphrase=passphrase,
        kdf=kdf or cost_for_this_machine(),
    )
    said = f"{slot.user} as {role}" + _agreed(approved_by)
    _give(vault, header, slot, passphrase=passphrase, deed="user-added", said=said)


def remove_user(vault: Vault, *, user: str, approved_by: str = "") -> None:
    """Take a person's slot away. She may still hold a copy made before: `rekey` makes it worthless.

    Raises UsageError where nobody would be left who opens charts, or who gives access.
    """
    vault.require(Right.PEOPLE)
    _refuse_recovery(user)
    before = verified_header(vault.path, vault.data_key())
    header = before.without(user)
    _refuse_bereft(before, header)
    vault.audit("user-removed", detail=normalised(user) + _agreed(approved_by))
    write_header(vault.path, header, vault.data_key())
    remove_officer_key(vault, user=user)


def change_role(
    vault: Vault,
    *,
    user: str,
    role: Role,
    passphrase: str,
    kdf: KdfParameters | None = None,
    approved_by: str = "",
) -> None:
    """Give a person another role, in force when she signs in next; her own passphrase must open her slot.

    A privacy officer gets a signing key, and loses it with the role. Raises UsageError where nobody who
    holds a key would be left, or nobody who opens charts or gives access.
    """
    vault.require(Right.PEOPLE)
    _refuse_recovery(user)
    header = verified_header(vault.path, vault.data_key())
    slot = header.slot(user)
    if slot is None:
        raise UsageError("there is no such user in this vault; see `anamnesis vault status`")
    if role in (slot.role, Role.RECOVERY):
        raise UsageError(f"{slot.user} is {slot.role}; choose another role of a person")
    _prove(vault, header, slot, passphrase)
    if role is Role.ADMINISTRATOR:
        header.without(user)  # refuses: an administrator holds no key
    _refuse_bereft(header, header.with_slot(replace(slot, role=role)))
    fresh = remade_slot(
        replace(slot, role=role),
        vault.data_key(),
        vault_id=header.vault_id,
        passphrase=passphrase,
        kdf=kdf or cost_for_this_machine(),
    )
    said = f"{slot.user}: {slot.role} to {role}" + _agreed(approved_by)
    _give(vault, header, fresh, passphrase=passphrase, deed="user-role-changed", said=said)
    if role is not Role.PRIVACY_OFFICER:
        remove_officer_key(vault, user=user)


def _refuse_bereft(before: Header, after: Header) -> None:
    """Raise UsageError where the last person with a right that a vault can't be without would lose it."""
    for right in (Right.CHARTS, Right.PEOPLE):
        if _may(before, right) and not _may(after, right):
            raise UsageError(f"nobody who may {right} would be left; add another who may first")


def _may(header: Header, right: Right) -> bool:
    return any(has_right(slot.role, right) for slot in header.slots if slot.role is not Role.RECOVERY)


def approve(vault: Vault, *, administrator: str, passphrase: str) -> str:
    """The administrator's name, once her own passphrase has shown that it is she. Raises VaultLocked."""
    header = verified_header(vault.path, vault.data_key())
    name = normalised(administrator)
    with AttemptThrottle(state_dir()).attempt(header.vault_id, name):
        if not is_administrator(header, name, passphrase):
            raise VaultLocked("this user is no administrator of this vault; see `anamnesis vault status`")
    return name


def has_administrator(vault: Vault) -> bool:
    """Whether anyone could approve."""
    slots = verified_header(vault.path, vault.data_key()).slots
    return any(slot.role is Role.ADMINISTRATOR for slot in slots)


def change_passphrase(
    vault: Vault, *, user: str, old: str, new: str, kdf: KdfParameters | None = None
) -> None:
    """Wrap the data key anew for one user; the old passphrase must open her slot."""
    _refuse_recovery(user)
    refuse_weak(new)
    header = verified_header(vault.path, vault.data_key())
    unlock_throttled(header, user, old)
    slot = header.slot(user)
    assert slot is not None
    fresh = remade_slot(
        slot,
        vault.data_key(),
        vault_id=header.vault_id,
        passphrase=new,
        kdf=kdf or cost_for_this_machine(),
    )
    vault.audit("passphrase-changed", detail=fresh.user)
    change_officer_passphrase(vault, user=user, old=old, new=new, kdf=kdf)
    write_header(vault.path, header.with_slot(fresh), vault.data_key())


def reset_passphrase(vault: Vault, *, user: str, new: str, kdf: KdfParameters | None = None) -> None:
    """A forgotten passphrase, replaced by who opened the vault with the recovery words; bound to no device.

    Raises UsageError for anyone else; and for a privacy officer, whose signing key only her own opens.
    """
    _refuse_recovery(user)
    if vault.role is not Role.RECOVERY:
        raise UsageError("only the recovery words replace a forgotten passphrase; sign in as recovery")
    header = verified_header(vault.path, vault.data_key())
    slot = header.slot(user)
    if slot is None:
        raise UsageError("there is no such user in this vault; see `anamnesis vault status`")
    if normalised(user) in officer_public_keys(vault):
        raise UsageError("a privacy officer's signing key needs her own passphrase; remove and add her again")
    fresh = make_slot(
        vault.data_key(),
        vault_id=header.vault_id,
        user=user,
        role=slot.role,
        passphrase=new,
        kdf=kdf or cost_for_this_machine(),
    )
    vault.audit("passphrase-replaced", detail=fresh.user)
    write_header(vault.path, header.with_slot(fresh), vault.data_key())


def _give(vault: Vault, header: Header, slot: KeySlot, *, passphrase: str, deed: str, said: str) -> None:
    """Write a slot, audited; a privacy officer has a signing key then, her own from before a rekey if any."""
    needs_key = slot.role is Role.PRIVACY_OFFICER and not _keeps_signing_key(vault, slot.user, passphrase)
    vault.audit(deed, detail=said)
    write_header(vault.path, header.with_slot(slot), vault.data_key())
    if needs_key:
        make_officer_key(vault, user=slot.user, passphrase=passphrase, kdf=slot.kdf)


def _prove(vault: Vault, header: Header, slot: KeySlot, passphrase: str) -> None:
    """Raise VaultLocked where the passphrase is not that of the slot, an administrator's too."""
    if slot.role is Role.ADMINISTRATOR:
        approve(vault, administrator=slot.user, passphrase=passphrase)
    else:
        unlock_throttled(header, slot.user, passphrase)


def _agreed(administrator: str) -> str:
    return f", approved by {administrator}" if administrator else ""


def _refuse_recovery(user: str) -> None:
    if normalised(user) == RECOVERY:
        raise UsageError("the recovery words stay until `anamnesis vault rekey` makes new ones")


def _keeps_signing_key(vault: Vault, user: str, passphrase: str) -> bool:
    """Whether she has a key from before a rekey. Raises VaultLocked where her passphrase is another."""
    if user not in officer_public_keys(vault):
        return False
    officer_private_key(vault, passphrase)
    return True

"""Binds a user's slot to this device, and lets it go: her own deed, with her passphrase, audited.

A bound slot needs a secret that the desktop's keyring keeps, beside the passphrase: who has a copy of the
vault alone can't even begin to guess. The recovery words, and slots that are not bound, open without it.
"""

from app.config.settings import state_dir
from app.errors import UsageError
from app.store.attempt_throttle import AttemptThrottle
from app.store.device_secret import find_secret, keep_new_secret
from app.store.header import (
    RECOVERY,
    Header,
    KeySlot,
    passphrase_key,
    rebound_slot,
    verified_header,
    write_header,
)
from app.store.vault import Vault


def bind_device(vault: Vault, *, passphrase: str) -> None:
    """Bind the slot of who is signed in. Raises UsageError, VaultLocked; changes nothing then."""
    header, slot = _own_slot(vault)
    if slot.device:
        raise UsageError("your slot is bound to this device already; unbind it first to bind it anew")
    key = _passphrase_key(header, slot, passphrase)
    _rebind(vault, header, slot, key, device=keep_new_secret().device)


def unbind_device(vault: Vault, *, passphrase: str) -> None:
    """Let the passphrase alone open the slot again. The secret stays, for backups made meanwhile."""
    header, slot = _own_slot(vault)
    if not slot.device:
        raise UsageError("your slot is bound to no device; there is nothing to unbind")
    find_secret(slot.device)  # the desktop may ask to unlock its keyring: no other try waits for that
    _rebind(vault, header, slot, _passphrase_key(header, slot, passphrase), device="")


def is_bound(vault: Vault) -> bool:
    """Whether the slot of who is signed in is bound. Raises UsageError for the recovery words."""
    return bool(_own_slot(vault)[1].device)


def _own_slot(vault: Vault) -> tuple[Header, KeySlot]:
    header = verified_header(vault.path, vault.data_key())
    if vault.user == RECOVERY:
        raise UsageError("the recovery words are never bound to a device: they are the way back in")
    slot = header.slot(vault.user)
    assert slot is not None
    return header, slot


def _passphrase_key(header: Header, slot: KeySlot, passphrase: str) -> bytes:
    with AttemptThrottle(state_dir()).attempt(header.vault_id, slot.user):
        return passphrase_key(slot, vault_id=header.vault_id, passphrase=passphrase)


def _rebind(vault: Vault, header: Header, slot: KeySlot, key: bytes, *, device: str) -> None:
    fresh = rebound_slot(slot, vault.data_key(), vault_id=header.vault_id, key=key, device=device)
    vault.audit("device-bound" if device else "device-unbound", detail=slot.user)
    write_header(vault.path, header.with_slot(fresh), vault.data_key())

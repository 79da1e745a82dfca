"""Binds a user's slot to this device, and lets it go: her own deed, with her passphrase, audited.

A bound slot needs a secret that the desktop's keyring keeps, beside the passphrase: who has a copy of the
vault alone can't even begin to guess. The recovery words, and slots that are not bound, open without it.
"""

from dataclasses import replace

from app.errors import UsageError
from app.store.attempt_throttle import unlock_throttled
from app.store.device_secret import keep_new_secret
from app.store.header import RECOVERY, Header, KeySlot, remade_slot, verified_header, write_header
from app.store.vault import Vault


def bind_device(vault: Vault, *, passphrase: str) -> None:
    """Bind the slot of who is signed in. Raises UsageError, VaultLocked; changes nothing then."""
    header, slot = _own_slot(vault, passphrase)
    if slot.device:
        raise UsageError("your slot is bound to this device already; unbind it first to bind it anew")
    _remake(vault, header, replace(slot, device=keep_new_secret().device), passphrase)


def unbind_device(vault: Vault, *, passphrase: str) -> None:
    """Let the passphrase alone open the slot again. The secret stays, for backups made meanwhile."""
    header, slot = _own_slot(vault, passphrase)
    if not slot.device:
        raise UsageError("your slot is bound to no device; there is nothing to unbind")
    _remake(vault, header, replace(slot, device=""), passphrase)


def _own_slot(vault: Vault, passphrase: str) -> tuple[Header, KeySlot]:
    header = verified_header(vault.path, vault.data_key())
    if vault.user == RECOVERY:
        raise UsageError("the recovery words are never bound to a device: they are the way back in")
    unlock_throttled(header, vault.user, passphrase)
    slot = header.slot(vault.user)
    assert slot is not None
    return header, slot


def _remake(vault: Vault, header: Header, slot: KeySlot, passphrase: str) -> None:
    fresh = remade_slot(slot, vault.data_key(), vault_id=header.vault_id, passphrase=passphrase)
    vault.audit("device-bound" if slot.device else "device-unbound", detail=slot.user)
    write_header(vault.path, header.with_slot(fresh), vault.data_key())

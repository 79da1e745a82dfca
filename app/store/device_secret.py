"""The second half of a bound slot's key: 256 random bits that the desktop's keyring keeps on one device.

Neither the passphrase nor any key of the vault is ever kept there. Only keyrings of the operating system are
used (Secret Service, Windows' credentials, macOS' keychain): another backend might write it in the clear.
"""

import importlib
import os
import sys
from dataclasses import dataclass
from typing import Protocol

from app.errors import VaultLocked
from app.store.key_derivation import KEY_BYTES

SERVICE = "Anamnesis device secret"
ID_BYTES = 16
_BACKENDS = {"linux": "SecretService.Keyring", "win32": "Windows.WinVaultKeyring", "darwin": "macOS.Keyring"}
_WAYS = "sign in as recovery with the recovery words, or let a colleague open the vault"


class SecretStore(Protocol):
    """What is needed of a backend of the `keyring` library."""

    def get_password(self, service: str, username: str) -> str | None:
        """What is kept, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""


@dataclass(frozen=True, slots=True, repr=False)
class DeviceSecret:
    """A secret, and the random public name (hexadecimal) under which the keyring keeps it."""

    device: str
    secret: bytes


def keep_new_secret() -> DeviceSecret:
    """A fresh secret, kept in this account's keyring and read back. Raises VaultLocked where that fails."""
    made = DeviceSecret(os.urandom(ID_BYTES).hex(), os.urandom(KEY_BYTES))
    _kept(made.device, made.secret)
    if find_secret(made.device) != made:
        raise VaultLocked("the desktop's keyring does not give back what it was given; nothing was bound")
    return made


def find_secret(device: str) -> DeviceSecret:
    """The secret of a slot that was bound on this device. Raises VaultLocked, which names the remedy."""
    kept = _kept(device)
    if kept is None:
        raise VaultLocked(
            "this user's slot is bound to another device, or its secret has left this account's keyring; "
            f"open the vault there and unbind it (`anamnesis vault unbind-device`), {_WAYS}"
        )
    try:
        secret = bytes.fromhex(kept)
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise VaultLocked(f"the desktop's keyring holds something else under the slot's name; {_WAYS}")
    return DeviceSecret(device, secret)


def system_store() -> SecretStore:
    """The operating system's keyring. Raises VaultLocked where there is none that could be asked."""
    try:
        module, name = _BACKENDS.get(sys.platform, ".").split(".")
        backend = getattr(importlib.import_module(f"keyring.backends.{module}"), name)
        priority = backend.priority
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        raise VaultLocked(
            "there is no keyring of the system to ask for this device's secret; sign in to the desktop, "
            + _WAYS
        ) from error
    assert priority > 0
    store: SecretStore = backend()
    if sys.platform == "win32":
        store.persist = "local machine"  # type: ignore[attr-defined]  # else it travels with the account
    return store


def _kept(device: str, secret: bytes | None = None) -> str | None:
    """Keep a secret, or ask for one. The libraries below raise whatever the bus does, at this border only."""
    store = system_store()
    try:
        if secret is None:
            return store.get_password(SERVICE, device)
        store.set_password(SERVICE, device, secret.hex())
    except Exception as error:
        raise VaultLocked(
            f"the desktop's keyring is locked or refuses ({type(error).__name__}); unlock it, or {_WAYS}"
        ) from error
    return None

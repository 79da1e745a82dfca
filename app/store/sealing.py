"""Seals files that lie beside the database (models, checkpoints): AES-256-GCM under a purpose's subkey.

The purpose stands in the sealed bytes, authenticated, so that a change of the data key can seal a
file anew without knowing whose it is.
"""

import os
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import VaultDamaged
from app.store.key_derivation import subkey

MAGIC = b"ANSEAL1\n"
_NONCE_BYTES = 12


def seal(data_key: bytes, purpose: str, data: bytes) -> bytes:
    """Magic, length and text of the purpose, nonce, ciphertext."""
    head = _head(purpose)
    nonce = os.urandom(_NONCE_BYTES)
    return head + nonce + _box(data_key, purpose).encrypt(nonce, data, head)


def unseal(data_key: bytes, purpose: str, sealed: bytes, *, former_key: bytes | None = None) -> bytes:
    """What `seal` was given, under this key or a former one.

    Raises VaultDamaged where a byte, the purpose or the key is another.
    """
    if former_key is not None:
        with suppress(VaultDamaged):
            return unseal(former_key, purpose, sealed)
    head = _head(purpose)
    rest = sealed[len(head) :]
    try:
        if not sealed.startswith(head):
            raise InvalidTag
        return _box(data_key, purpose).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head)
    except (InvalidTag, ValueError) as error:
        raise VaultDamaged("a sealed file of this vault was altered; restore it from a backup") from error


def purpose_of(sealed: bytes) -> str | None:
    """The purpose that sealed bytes name; None where they are not sealed at all."""
    if not sealed.startswith(MAGIC):
        return None
    size = int.from_bytes(sealed[len(MAGIC) : len(MAGIC) + 2], "big")
    text = sealed[len(MAGIC) + 2 : len(MAGIC) + 2 + size]
    try:
        return text.decode("utf-8") if len(text) == size else None
    except UnicodeDecodeError:
        return None


def _head(purpose: str) -> bytes:
    text = purpose.encode("utf-8")
    return MAGIC + len(text).to_bytes(2, "big") + text


def _box(data_key: bytes, purpose: str) -> AESGCM:
    return AESGCM(subkey(data_key, f"seal/{purpose}"))

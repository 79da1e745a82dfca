"""Keys as people pass them on: Ed25519 to sign and verify, age (X25519) to encrypt.

A public signing key is written `ed25519:<64 hex digits>`, an age recipient `age1...`.
"""

import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pyrage import IdentityError, RecipientError, x25519
from securesystemslib.signer import CryptoSigner, SSlibKey

from ml.errors import UpdateRefused

PREFIX = "ed25519:"


def new_private_key() -> bytes:
    """A fresh Ed25519 private key, 32 bytes of the operating system's randomness."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def signer_of(private_key: bytes) -> Any:
    """A signer (securesystemslib) of a 32-byte private key."""
    return CryptoSigner(Ed25519PrivateKey.from_private_bytes(private_key))


def public_text(private_key: bytes) -> str:
    """The public half, as text to pass on."""
    public = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return PREFIX + public.public_bytes_raw().hex()


def read_public_key(text: str) -> Any:
    """A verifier (securesystemslib) of a public key's text; its key id is a function of the key alone."""
    if not re.fullmatch(PREFIX + "[0-9a-f]{64}", text.strip()):
        raise UpdateRefused("this is no public key; it must read ed25519: and 64 hexadecimal digits")
    raw = bytes.fromhex(text.strip().removeprefix(PREFIX))
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(raw))


def read_recipient(text: str) -> Any:
    """An age recipient; refuses anything but a whole `age1...`."""
    try:
        return x25519.Recipient.from_str(text.strip())
    except RecipientError:
        raise UpdateRefused("this is no age recipient; ask the coordinator for theirs (age1...)") from None


def read_identity(text: str) -> Any:
    """An age identity, the secret half of a recipient."""
    try:
        return x25519.Identity.from_str(text.strip())
    except IdentityError:
        raise UpdateRefused("this is no age identity; name the coordinator's own key file") from None


def new_identity() -> tuple[str, str]:
    """A fresh age identity and its recipient, as text."""
    identity = x25519.Identity.generate()
    return str(identity), str(identity.to_public())

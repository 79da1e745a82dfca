"""The two keys that sign what leaves: the site's, and the privacy officer's own.

The site's key lies in the vault's database, as safe as the records and kept by every change of the
data key. The officer's key lies there too, but wrapped under HER passphrase (Argon2id, AES-GCM): who
can open the vault can't sign for her. All are Ed25519, 32 bytes.
"""

import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.config.settings import state_dir
from app.errors import UsageError, VaultLocked, WrongPassphrase
from app.store.attempt_throttle import AttemptThrottle
from app.store.header import read_header
from app.store.key_derivation import KdfParameters, cost_for_this_machine, normalised, wrapping_key
from app.store.vault import Vault

SITE_KEY = "update.site_key"
OFFICER_KEYS = "update.officer_keys"
_ANY_OFFICER = "\0officers"  # no user's name: guesses at their keys are counted together


class WrappedKey(msgspec.Struct, frozen=True):
    """An officer's private key under her passphrase. Byte fields are hexadecimal text."""

    kdf: KdfParameters
    salt: str
    nonce: str
    wrapped: str
    public: str


def site_private_key(vault: Vault) -> bytes:
    """The site's key; made at the first call."""
    kept = vault.setting(SITE_KEY)
    if kept is None:
        kept = Ed25519PrivateKey.generate().private_bytes_raw().hex()
        vault.set_setting(SITE_KEY, kept, action="site-key-made", detail="")
    return bytes.fromhex(kept)


def make_officer_key(vault: Vault, *, user: str, passphrase: str, kdf: KdfParameters | None = None) -> None:
    """Make a privacy officer's key. Refuses to replace one that is there."""
    user, keys = normalised(user), _officer_keys(vault)
    if user in keys:
        raise UsageError("this privacy officer has a signing key already; it is not replaced")
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw().hex()
    fresh = _wrapped(vault, private.private_bytes_raw(), public, passphrase, kdf or cost_for_this_machine())
    _keep(vault, keys | {user: fresh}, "officer-key-made", user)


def officer_private_key(vault: Vault, passphrase: str) -> bytes:
    """The key that this passphrase opens: the signed-in officer's first, else any officer's.

    Who is signed in could guess: wrong ones are slowed down as at the door. Raises VaultLocked.
    """
    keys = _officer_keys(vault)
    if not keys:
        raise UsageError(
            "this vault has no privacy officer; add her: `anamnesis vault add-user --role privacy-officer`"
        )
    with AttemptThrottle(state_dir()).attempt(read_header(vault.path).vault_id, _ANY_OFFICER):
        for user in sorted(keys, key=lambda name: name != vault.user):
            opened = _opened(vault, keys[user], passphrase)
            if opened is not None:
                return opened
        raise WrongPassphrase("this passphrase opens no privacy officer's key; she must type her own to sign")


def officer_public_keys(vault: Vault) -> dict[str, str]:
    """Each privacy officer's public key, hexadecimal."""
    return {user: key.public for user, key in sorted(_officer_keys(vault).items())}


def change_officer_passphrase(
    vault: Vault, *, user: str, old: str, new: str, kdf: KdfParameters | None = None
) -> None:
    """Wrap her key anew; does nothing for a user without one."""
    user, keys = normalised(user), _officer_keys(vault)
    if user not in keys:
        return
    private = _opened(vault, keys[user], old)
    if private is None and _opened(vault, keys[user], new) is not None:
        return  # an earlier change was cut short after this step
    if private is None:
        raise VaultLocked("the old passphrase doesn't open this privacy officer's key; check it")
    fresh = _wrapped(vault, private, keys[user].public, new, kdf or keys[user].kdf)
    _keep(vault, keys | {user: fresh}, "officer-passphrase-changed", user)


def remove_officer_key(vault: Vault, *, user: str) -> None:
    """Forget a key when its officer leaves; does nothing for a user without one."""
    user, keys = normalised(user), _officer_keys(vault)
    if keys.pop(user, None) is not None:
        _keep(vault, keys, "officer-key-removed", user)


def _opened(vault: Vault, key: WrappedKey, passphrase: str) -> bytes | None:
    box = AESGCM(wrapping_key(passphrase, bytes.fromhex(key.salt), key.kdf))
    try:
        return box.decrypt(bytes.fromhex(key.nonce), bytes.fromhex(key.wrapped), _bound(vault, key.public))
    except InvalidTag:
        return None


def _wrapped(vault: Vault, private: bytes, public: str, passphrase: str, kdf: KdfParameters) -> WrappedKey:
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(wrapping_key(passphrase, salt, kdf)).encrypt(nonce, private, _bound(vault, public))
    return WrappedKey(kdf, salt.hex(), nonce.hex(), sealed.hex(), public)


def _bound(vault: Vault, public: str) -> bytes:
    """What a wrapped key belongs to: this vault, and its public half."""
    return f"anamnesis/officer-key/{read_header(vault.path).vault_id}/{public}".encode()


def _officer_keys(vault: Vault) -> dict[str, WrappedKey]:
    kept = vault.setting(OFFICER_KEYS)
    return msgspec.json.decode(kept, type=dict[str, WrappedKey]) if kept else {}


def _keep(vault: Vault, keys: dict[str, WrappedKey], action: str, user: str) -> None:
    vault.set_setting(OFFICER_KEYS, msgspec.json.encode(keys).decode(), action=action, detail=user)

"""Opens and creates vaults for the unlock screen, and says what is wrong with a new passphrase."""

from pathlib import Path

from app.errors import UsageError, VaultLocked
from app.store.attempt_throttle import unlock_throttled
from app.store.header import read_header
from app.store.key_derivation import KdfParameters, normalised
from app.store.new_passphrase import refuse_weak
from app.store.vault import Vault


def open_vault(
    path: Path, user: str, passphrase: str, *, read_only: bool = False, kept: Vault | None = None
) -> Vault:
    """The open vault. Raises VaultError with its remedy.

    A vault kept open for a run under way is given back, once the passphrase has opened its header; to the
    one who began the run: what it does is audited under her name.
    """
    if kept is None or kept.path.resolve() != path.resolve():
        return Vault.open(path, user=user, passphrase=passphrase, read_only=read_only)
    unlock_throttled(read_header(path), user, passphrase)
    if normalised(user) == normalised(kept.user):
        kept.begin_sitting()
        return kept
    raise VaultLocked(
        f"a training run that {kept.user} began ends its block of steps in this window, and holds the vault; "
        "wait until this screen says that it is sealed, in seconds to a minute, then open the vault"
    )


def create_vault(
    path: Path, user: str, passphrase: str, kdf: KdfParameters | None = None
) -> tuple[Vault, str]:
    """A new vault and its recovery words, which nobody can show again."""
    return Vault.create(path, user=user, passphrase=passphrase, kdf=kdf)


def passphrase_advice(passphrase: str, again: str) -> str:
    """What is still wrong with a new passphrase; empty where nothing is."""
    try:
        refuse_weak(passphrase)
    except UsageError as error:
        return str(error)
    return "" if passphrase == again else "the two passphrases differ; type the same one twice"

"""Gives a vault new keys in two halves: first the new recovery words are kept, only then do they count."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.store.rekey import GivenUp, KeyChange, RekeyStep, Stopped, rekey_steps
from app.store.vault import Vault

_DEED = "a change of the data key"


@dataclass(frozen=True, slots=True, repr=False)
class KeyHolders:
    """Whose vault gets new keys: who does it, and the passphrases of her and of all who keep their access."""

    vault: Path
    user: str
    passphrase: str
    keep: Mapping[str, str]


@dataclass(frozen=True, slots=True, repr=False)
class NewWords:
    """The new recovery words, not in force yet, and who must be added again once they are."""

    words: str
    must_be_added_again: tuple[str, ...]


def change_key(
    holders: KeyHolders, stopped: Stopped = lambda: False
) -> Generator[RekeyStep | NewWords, None, None]:
    """Name each step before it is done, give the new words, and put the new key in force.

    Whoever goes on after the words agrees; who closes the generator there, or before, has changed nothing,
    and once `stopped` says so a step ends early and no words come. The vault is closed at the end. Raises
    what opening a vault and `rekey_steps` raise.
    """
    vault = Vault.open(holders.vault, user=holders.user, passphrase=holders.passphrase)
    change: KeyChange | None = None
    try:
        vault.tell_others(_DEED)
        change = yield from rekey_steps(
            vault, passphrase=holders.passphrase, keep=holders.keep, stopped=stopped
        )
        yield NewWords(change.recovery_words, change.must_be_added_again)
        change.commit()
    except GivenUp:
        return
    finally:
        (change or vault).close()

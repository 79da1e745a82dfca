"""What a new passphrase must be, whoever sets it; one that is in use opens its vault whatever it is."""

from app.errors import UsageError
from app.store.key_derivation import normalised

SHORTEST, FEWEST_DIFFERENT = 12, 5  # characters


def refuse_weak(passphrase: str) -> None:
    """Raise UsageError for a new passphrase that is soon guessed from a copy of the vault."""
    typed = normalised(passphrase)
    if len(typed) < SHORTEST:
        raise UsageError(
            f"a new passphrase needs at least {SHORTEST} characters; "
            "four unrelated words are easy to remember"
        )
    if len(set(typed)) < FEWEST_DIFFERENT:
        raise UsageError(
            f"a new passphrase needs at least {FEWEST_DIFFERENT} different characters; use unrelated words"
        )

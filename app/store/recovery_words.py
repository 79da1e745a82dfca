"""Recovery words: 128 random bits as twelve English words with a checksum (BIP 39)."""

import re

from mnemonic import Mnemonic

from app.errors import WrongPassphrase


def words_for(entropy: bytes) -> str:
    """Twelve words for 16 random bytes."""
    return str(Mnemonic("english").to_mnemonic(entropy))


def normalised_words(text: str) -> str:
    """The words as they were made. Raises WrongPassphrase where one is misspelt or missing."""
    words = " ".join(re.findall("[a-z]+", text.casefold()))  # as copied from a numbered list, too
    if not Mnemonic("english").check(words):
        raise WrongPassphrase("these are not the twelve recovery words in their order; check the spelling")
    return words

"""Names that nobody can take for another's: who did something must be certain in the audit log.

After RFC 8265 (UsernameCaseMapped): compared are names without their capitals, in compatibility form. A name
that mixes alphabets whose letters look alike is refused (Unicode UTS 39, restriction level 4 in part); two
names of one alphabet each that look alike are not told apart.
"""

import unicodedata
from collections.abc import Iterable

from app.errors import UsageError

_ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


def refuse_unclear_name(user: str, *, beside: Iterable[str] = ()) -> None:
    """Raise UsageError for a name with space around it, of several alphabets, or like one in `beside`."""
    if user != user.strip():
        raise UsageError("a user's name can't begin or end with a space; leave it out")
    if len(_alphabets(user)) > 1:
        raise UsageError("a user's name can't mix letters of several alphabets; write it in one")
    for other in beside:
        if _compared(other) == _compared(user):
            told = "" if other == user else f" as {other}"
            raise UsageError(
                f"this user is in the vault already{told}; remove the user first, or change the passphrase"
            )


def _compared(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _alphabets(name: str) -> set[str]:
    words = (unicodedata.name(letter, "").split(" ")[0] for letter in name if letter.isalpha())
    return {word for word in words if word in _ALIKE}

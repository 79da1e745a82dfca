"""A few words around the first match in a note, the matching words between « and »."""

import re
import unicodedata
from collections.abc import Sequence

_WORD = re.compile(r"\w+")
_BEFORE, _AFTER = 40, 60


def excerpt(text: str, terms: Sequence[str]) -> str:
    """`terms` are words or phrases, a star at the end for any ending; the start where none is found."""
    words = [(folded(word), star) for term in terms for word, star in _words(term)]
    at = _first(text, words)
    start, end = max(0, at - _BEFORE), min(len(text), at + _AFTER)
    shown = _WORD.sub(lambda m: f"«{m[0]}»" if _matches(m[0], words) else m[0], text[start:end])
    return ("… " if start else "") + " ".join(shown.split()) + (" …" if end < len(text) else "")


def folded(text: str) -> str:
    """Lower case without accents, as the index keeps its words."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


def has_beginning(text: str, beginning: str) -> bool:
    """Whether a word of the text begins so, its letters taken as the index takes them."""
    return re.search(rf"(?<![^\W_]){re.escape(folded(beginning))}", folded(text)) is not None


def _words(term: str) -> list[tuple[str, bool]]:
    found = _WORD.findall(term)
    return [(word, term.endswith("*") and word is found[-1]) for word in found]


def _first(text: str, words: Sequence[tuple[str, bool]]) -> int:
    """Where the first match begins; looked for letter by letter only where the plain way finds none."""
    lowered = text.lower()
    if len(lowered) == len(text):
        plain = [m.start() for word, _ in words if (m := re.search(rf"\b{re.escape(word)}", lowered))]
        if plain:
            return min(plain)
    return next((m.start() for m in _WORD.finditer(text) if _matches(m[0], words)), 0)


def _matches(word: str, words: Sequence[tuple[str, bool]]) -> bool:
    plain = folded(word)
    return any(plain.startswith(wanted) if star else plain == wanted for wanted, star in words)

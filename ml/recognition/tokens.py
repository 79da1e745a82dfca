"""Splits text into words with their places, and brings words into forms for matching.

Offsets are Unicode code points of the text as given; nothing is normalised before splitting.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ml.recognition.supplement import read_supplement

_MARKS = (
    "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # that combine with the letter before
)
_HIDDEN = "\u00ad\u200b-\u200d\u2060\ufeff"  # soft hyphen, zero-width signs: inside words only
_WORD = re.compile(rf"[^\W_]+(?:(?:[{_MARKS}]+|[{_HIDDEN}]+(?=[^\W_]))[^\W_]*)*(?:['’][^\W\d_]+)?|[↑↓]+")
_STRIPPED = re.compile(f"[{_HIDDEN}]")
_HARD_BREAK = re.compile(r"[.;:!?()\[\]{}•|\t]|\n[ \t\r]*(?=\n|[-*•\d])")
_SENTENCE = re.compile(r"[.;!?\n\t]")
_SOFT_BREAK = re.compile(r"[,/&+]")
_LETTERED = frozenset({"type", "group", "hepatitis", "vitamin", "factor", "class", "grade", "stage"})
_PLURALS = (
    ("iness", "y"),
    ("ies", "y"),
    ("sses", "ss"),
    ("oses", "osis"),
    ("yses", "ysis"),
    ("eses", "esis"),
    ("xes", "x"),
    ("aches", "ache"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("ae", "a"),
)


class Word(NamedTuple):
    """A word of a text: `form` joins inflections and spellings, `loose` near synonyms too."""

    start: int
    end: int
    form: str
    loose: str


@dataclass(frozen=True, slots=True)
class WordSequence:
    """The words of a text, with the numbers of words before which something ends.

    `hard` a clause, `soft` a conjunct (`commas` those after a comma); `inner` are those of `hard` that
    also stand inside names ("absence (non-motor) seizure", "EMG: myopathic changes").
    """

    words: Sequence[Word]
    hard: frozenset[int]
    soft: frozenset[int]
    commas: frozenset[int]
    inner: frozenset[int]


def words_of(text: str) -> list[Word]:
    """All words in reading order."""
    words: list[Word] = []
    before = ""
    for match in _WORD.finditer(text):
        raw = match.group()
        form = "@a" if raw == "A" and before in _LETTERED else form_of(raw)
        words.append(Word(*match.span(), form, loose_form(form)))
        before = form
    return words


def word_sequence(text: str) -> WordSequence:
    """The words with the places where a name can't, or only sometimes, reach across."""
    words = words_of(text)
    hard, soft, commas, inner = set[int](), set[int](), set[int](), set[int]()
    for number in range(1, len(words)):
        between = text[words[number - 1].end : words[number].start]
        if between == " " or between == "-":
            continue
        if _HARD_BREAK.search(between):
            hard.add(number)
            if not _SENTENCE.search(between):
                inner.add(number)
        elif _SOFT_BREAK.search(between):
            soft.add(number)
            if "," in between:
                commas.add(number)
    return WordSequence(words, frozenset(hard), frozenset(soft), frozenset(commas), frozenset(inner))


@lru_cache(maxsize=1 << 16)
def form_of(word: str) -> str:
    """Lower case, no accents, American spelling, singular."""
    plain = word.casefold().replace("’", "'")
    if not plain.isascii():
        plain = _STRIPPED.sub("", unicodedata.normalize("NFKD", plain).casefold())
        plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = plain.removesuffix("'s")
    supplement = read_supplement()
    for british, american in supplement.spelling:
        if british in plain:
            plain = plain.replace(british, american)
    irregular = supplement.irregular.get(plain)
    if irregular is not None:
        return irregular
    singular = _singular(plain)
    return supplement.irregular.get(singular, singular)


@lru_cache(maxsize=1 << 16)
def loose_form(form: str) -> str:
    """One form for an adjective, a verb and a noun of the same meaning."""
    same = read_supplement().same
    if form in same:
        return same[form]
    stem = form.removesuffix("ly")
    return same.get(stem, form) if stem != form else form


def _singular(word: str) -> str:
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    for ending, stem in _PLURALS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending) + stem
    return word.removesuffix("s")

"""Takes out what stands in every letter: who signed and when, thanks, notices of confidentiality.

Only a whole sentence goes, and only one that says nothing else: what stays in does little harm, and
a sentence about the patient that went with her doctor's name would be missed. Time is linear in the text.
"""

import re
from collections.abc import Iterator
from functools import cache

from ml.text.cleaning_lists import cleaning_lists

_TITLE = r"(?-i:Dr|Prof|Professor|Mr|Mrs|Ms|Miss|Sister|Nurse)\.?"
_WORD = r"(?-i:[A-ZÀ-ÖØ-Þ])(?:[^\W\d_]|['’.-]){0,30}"
_ROLE = r"(?:,? (?:MD|DO|PhD|RN|NP|PA|MBBS|FRCP|MRCP|consultant|registrar|resident|attending|specialist)\b"
_ROLE += rf"(?: {_WORD})?){{0,3}}"
_NAME = rf"(?:{_TITLE}(?: {_WORD}){{1,3}}|(?!{_TITLE} ){_WORD}(?:,? {_WORD}){{0,3}}){_ROLE}"
_TIME = r"\d{1,2}:\d\d(?::\d\d)?(?: ?[ap]\.?m\b\.?)?"
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = rf"(?:\d{{1,4}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}|\d{{1,2}} {_MONTH} \d{{4}}|{_MONTH} \d{{1,2}},? \d{{4}})"
_DATE = rf"(?:{_DAY}(?:,?(?: at)? {_TIME})?|{_TIME})"

_SHORT_FORM = re.compile(r"(?:(?<!\w)(?:Dr|Mr|Mrs|Ms|Prof|St)|(?<!\w)[A-Z])\Z")
_END = re.compile(r"(?<![.!?;])[.!?;]+(?=\s|\Z)|\n")
_LETTERS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LONGEST = 1000  # code points: what is longer is no sentence of a stock letter


def without_boilerplate(text: str) -> str:
    """Without the sentences, and lines of one, that stand in every letter."""
    return "".join(part for part in _sentences(text) if not _says_nothing(part.strip()))


def _sentences(text: str) -> Iterator[str]:
    """The text in pieces: sentences with the blanks before them, line ends by themselves."""
    start = 0
    for end in _END.finditer(text):
        if end.group() == "\n":
            yield text[start : end.start()]
            yield "\n"
        elif end.group() == "." and _SHORT_FORM.search(text, max(start, end.start() - 5), end.start()):
            continue
        else:
            yield text[start : end.end()]
        start = end.end()
    yield text[start:]


def _says_nothing(sentence: str) -> bool:
    if not sentence or len(sentence) > _LONGEST:
        return False
    return bool(_boilerplate().fullmatch(sentence) or _is_notice(sentence))


def _is_notice(sentence: str) -> bool:
    if not _notice().search(sentence) or any(c.isdigit() for c in sentence):
        return False
    return all(word in _notice_words() for word in _LETTERS.findall(sentence.casefold()))


@cache
def _boilerplate() -> re.Pattern[str]:
    lines = (line.replace("NAME", _NAME).replace("DATE", _DATE) for line in cleaning_lists().boilerplate)
    return re.compile("(?:" + "|".join(f"(?:{line})" for line in lines) + r")[ .,!;]*", re.IGNORECASE)


@cache
def _notice() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(cleaning_lists().notices)})\b", re.IGNORECASE)


@cache
def _notice_words() -> frozenset[str]:
    return frozenset(cleaning_lists().notice_words.split())

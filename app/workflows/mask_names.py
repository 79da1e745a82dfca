"""Takes a patient's own name and record numbers out of a text before it goes anywhere.

Only what the record itself names is found: names of relatives and of clinicians stay, and so do nicknames. A
single part of a name is matched as written or in capitals, so that `Long` leaves a `long face` alone; one of
two letters only behind a title. Accents, kinds of apostrophe and how a number's digits are set apart don't
matter. A month before a number stays a month.
"""

import re
import unicodedata
from collections.abc import Iterable

from app.clinical.patient import Patient

NAME, NUMBER = "the patient", "(number)"
_SHORTEST_PART, _SHORTEST_TITLED, _SHORTEST_NUMBER, _FEWEST_DIGITS = 3, 2, 4, 6
_TITLE = r"(?:mrs?|ms|miss|mx|master|dr|prof|herr|frau|sr|sra|mme|mlle)\.?\s+"
_MONTHS = frozenset(("jan", "january", "april", "may", "june", "july", "august", "march"))
_APOSTROPHES = "'\u2019\u02bc`\u00b4"
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")  # scripts that set no space between words


def mask_names(text: str, patient: Patient) -> str:
    """The text without the patient's name, its parts, and her identifiers."""
    numbers = {i.value for i in patient.identifiers} | {str(patient.id)}
    text = _replaced(text, map(_number, numbers), NUMBER, any_case=True)
    whole = " ".join(patient.name.split())
    if len(whole) >= _SHORTEST_PART or _UNSPACED.search(whole):
        text = _replaced(text, [_name(whole)], NAME, any_case=True)
    parts = {p for p in re.split(r"[\s,\-\u2010\u2011]+", whole) if not p.isdigit()}
    text = _replaced(text, map(_titled, parts), NAME, any_case=True)
    long = {p for p in parts if len(p) >= _SHORTEST_PART}
    return _replaced(text, map(_part, long | {p.upper() for p in long}), NAME, any_case=False)


def _replaced(text: str, patterns: Iterable[str], by: str, *, any_case: bool) -> str:
    """The text with what matches replaced, or the group of it that matched; accents are overlooked."""
    wanted = sorted(filter(None, patterns), key=len, reverse=True)
    if not wanted:
        return text
    plain, places = _without_accents(text)
    found = re.compile("|".join(wanted), re.IGNORECASE if any_case else 0)
    told, end = list[str](), 0
    for match in found.finditer(plain):
        told += [text[end : places[match.start(match.lastindex or 0)]], by]
        end = places[match.end()]
    return "".join((*told, text[end:]))


def _number(value: str) -> str:
    """A record number; one of many digits however they are set apart."""
    digits = re.sub(r"\D", "", value)
    if len(digits) >= _FEWEST_DIGITS:
        return rf"(?<!\w)(?:{_words(value)}|{'[ .-]?'.join(digits)})(?!\w)"
    return rf"(?<!\w){_words(value)}(?!\w)" if len(value) >= _SHORTEST_NUMBER else ""


def _name(whole: str) -> str:
    name = _words(whole)
    return name if _UNSPACED.search(whole) else rf"(?<!\w){name}(?!\w)"


def _titled(part: str) -> str:
    """A short part of a name behind a title, which stays."""
    if not _SHORTEST_TITLED <= len(part) < _SHORTEST_PART:
        return ""
    return rf"(?<!\w){_TITLE}({_words(part)})(?!\w)"


def _part(part: str) -> str:
    month = r"(?!\s+\d)" if part.casefold() in _MONTHS else ""
    return rf"(?<!\w){_words(part)}(?!\w){month}"


def _words(value: str) -> str:
    """A pattern of the words, with any space between them and any apostrophe, or none, inside."""
    plain, _ = _without_accents(value)
    apostrophe = f"[{re.escape(_APOSTROPHES)}]?"
    return r"\s+".join(
        apostrophe.join(map(re.escape, re.split(f"[{re.escape(_APOSTROPHES)}]", word)))
        for word in plain.split()
    )


def _without_accents(text: str) -> tuple[str, list[int]]:
    """The letters without their accents, and where each stands in the text; last where the text ends."""
    letters, places = list[str](), list[int]()
    for place, letter in enumerate(text):
        for plain in unicodedata.normalize("NFD", letter):
            if not unicodedata.combining(plain):
                letters.append(plain)
                places.append(place)
    return "".join(letters), [*places, len(text)]

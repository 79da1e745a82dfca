"""Cleans a patient's notes for learning: encodings, boilerplate, units, shorthand, copied-forward text.

A note's result depends on that patient's notes and on public lists alone, never on another patient:
what one patient changes stays within her own example, as the unit of privacy asks.
"""

import re
import unicodedata
from collections.abc import Sequence

from ml.text.boilerplate import without_boilerplate
from ml.text.copied_text import without_copies
from ml.text.standard_form import standard_form

_GARBLED = re.compile(
    "[\u00c2-\u00f4](?:[\u0080-\u00bf]|[\u0152-\u0178\u02c6\u02dc\u2013-\u203a\u20ac\u2122])+"
)
_CONTROLS = re.compile("[\u0000-\u0008\u000b\u000e-\u001f\u007f\u00ad\u200b-\u200d\u2060\ufeff\ufffd]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\u0085\f]")
_BLANKS = re.compile("[\u00a0\u2000-\u200a\u202f\u3000]")


def prepared(texts: Sequence[str]) -> tuple[str, ...]:
    """A patient's notes, oldest first, cleaned; one of which nothing is left is dropped."""
    cleaned = [standard_form(without_boilerplate(repaired(text))).text for text in texts]
    return tuple(text for text in without_copies(cleaned) if any(c.isalnum() for c in text))


def repaired(text: str) -> str:
    """UTF-8 that was read as Windows-1252, odd blanks and line ends, and control characters are put right."""
    mended = _GARBLED.sub(lambda found: _ungarbled(found.group()), text)
    plain = _BLANKS.sub(" ", _LINE_ENDS.sub("\n", mended))
    return unicodedata.normalize("NFC", _CONTROLS.sub("", plain))


def _ungarbled(part: str) -> str:
    try:
        return part.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return part

"""What the headings of a note say of everything below or behind them: whose it is, when, whether.

A heading stands alone on its line, begins one ("Family history: ..."), or follows a sentence inside
one ("... a smoker. REVIEW OF SYSTEMS: ..."). It holds until the next, a blank line, or a sentence
whose subject is the patient.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence

from ml.recognition.tokens import Word

_AT_LINE = re.compile(r"^[ \t]*([A-Za-z][A-Za-z /]{1,40}?)[ \t]*(:|$)[ \t]*", re.MULTILINE)
_IN_LINE = re.compile(r"(?:(?<=[.;,!?)])[ \t]*|(?<![ \t])[ \t]{2,})([A-Z][A-Za-z /&-]{1,40}?)[ \t]*:")
_SUBJECT = re.compile(r"(?:(?<=[.!?;:])[ \t]+|^[ \t]*)(?:The [Pp]atient|Patient|Pt)\b(?!['’]s)", re.MULTILINE)
_BLANK_LINE = re.compile(r"\n[ \t]*(?=\n)")
_RESULTS = frozenset({"negative", "positive", "absent", "excluded", "suspected", "denies", "ruled out"})
Bound = tuple[int, str]


def section_kinds(text: str, words: Sequence[Word], *, headings: Mapping[str, str]) -> list[str]:
    """For each word what its section says: a kind, or "". `headings` in lower case, with their kinds."""
    bounds = sorted(
        _at_line(text, headings)
        + _in_line(text, headings)
        + [(m.start(), "") for m in _SUBJECT.finditer(text)]
    )
    blank = [(m.end(), "") for m in _BLANK_LINE.finditer(text) if not _ends_heading(text, m.start(), bounds)]
    bounds = sorted(bounds + blank)
    kinds: list[str] = []
    at, kind = 0, ""
    for word in words:
        while at < len(bounds) and bounds[at][0] <= word.start:
            at, kind = at + 1, bounds[at][1]
        kinds.append(kind)
    return kinds


def _at_line(text: str, headings: Mapping[str, str]) -> list[Bound]:
    """Without a colon, a word that may be a result ("HIV / Negative") heads nothing."""
    found = [(m, _plain(m.group(1))) for m in _AT_LINE.finditer(text)]
    return [
        (m.start(), headings.get(name, ""))
        for m, name in found
        if m.group(2) or (name not in _RESULTS and (m.group(1).isupper() or name in headings))
    ]


def _in_line(text: str, headings: Mapping[str, str]) -> list[Bound]:
    """Only capitals and headings that are known: "he said: ..." is none."""
    return [
        (m.start(1), headings.get(_plain(m.group(1)), ""))
        for m in _IN_LINE.finditer(text)
        if m.group(1).isupper() or _plain(m.group(1)) in headings
    ]


def _plain(heading: str) -> str:
    return " ".join(heading.casefold().split())


def _ends_heading(text: str, place: int, bounds: Sequence[Bound]) -> bool:
    """Whether nothing but a heading stands on the line that ends at `place`."""
    line = text.rfind("\n", 0, place) + 1
    at = bisect_left(bounds, (line, ""))
    on_line = at < len(bounds) and bounds[at][0] <= place
    return on_line and _AT_LINE.fullmatch(text, line, place) is not None

"""Cuts a note into sentences, lines of a list and headings: the units that an attribution names.

Offsets are code points of the text as given. Hard-wrapped prose is not cut at its line ends.
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]

_END = re.compile(r"[.!?;]+[)\"'”’]*(?=\s)|\n")
_SHORT_FORM = re.compile(r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|vs|approx|e\.g|i\.e|No|Fig)|\b[A-Z])\.$")
_FRESH_LINE = re.compile(r"[ \t]*(?:\n|$|[-*•\d]|[A-Z][^\n]{0,40}:)")
_HEADING_LENGTH = 40  # code points: a shorter line without a full stop is a heading or an entry


def sentence_spans(text: str) -> tuple[Span, ...]:
    """Start and end of each unit that holds a letter or digit, in reading order, without outer blanks."""
    return tuple(_trimmed(text, _cuts(text)))


def _cuts(text: str) -> Iterator[int]:
    line_start = 0
    for match in _END.finditer(text):
        if match.group() == "\n":
            if _line_ends(text, line_start, match.start()):
                yield match.end()
            line_start = match.end()
        elif not _SHORT_FORM.search(text, max(0, match.end() - 8), match.end()):
            yield match.end()
    yield len(text)


def _line_ends(text: str, start: int, end: int) -> bool:
    """Whether a line's end also ends what it says: a heading, an entry of a list, a blank line."""
    line = text[start:end].strip()
    return len(line) < _HEADING_LENGTH or line.endswith(":") or bool(_FRESH_LINE.match(text, end + 1))


def _trimmed(text: str, cuts: Iterator[int]) -> Iterator[Span]:
    start = 0
    for cut in cuts:
        unit = text[start:cut]
        left = start + len(unit) - len(unit.lstrip())
        right = left + len(unit.strip())
        if any(c.isalnum() for c in text[left:right]):
            yield left, right
        start = cut

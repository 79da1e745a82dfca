"""The one form in which the model learns and reads notes: units in UCUM, ordinary shorthand in full."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ml.text.cleaning_lists import cleaning_lists

_UNIT = re.compile(r"(?<=[\d.])( ?)([A-Za-z][A-Za-z%/]*(?: [cC]\b)?|g%)(?![\w/])")

Places = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True, slots=True)
class StandardForm:
    """A text in standard form, and the places in the text as written from which each code point comes.

    What was spelt out comes from the whole of its shorthand.
    """

    text: str
    starts: Places
    ends: Places

    def written(self, start: int, end: int) -> tuple[int, int]:
        """Where a span of the standard form stands in the text as written; an empty span is (0, 0)."""
        return (int(self.starts[start]), int(self.ends[end - 1])) if end > start else (0, 0)


def standard_form(text: str) -> StandardForm:
    """Units in UCUM, ordinary shorthand in full, with the places where they stood."""
    places = np.arange(len(text) + 1)
    form = StandardForm(text, places[:-1], places[1:])
    units, words = cleaning_lists().units, cleaning_lists().abbreviations
    form = _replaced(form, _UNIT, lambda m: m.group(1) + units.get(m.group(2).lower(), m.group(2)))
    return _replaced(form, _shorthand(), lambda m: words[m.group()])


def _replaced(
    form: StandardForm, pattern: re.Pattern[str], new: Callable[[re.Match[str]], str]
) -> StandardForm:
    text: list[str] = []
    starts: list[Places] = []
    ends: list[Places] = []
    done = 0
    for match in pattern.finditer(form.text):
        word, (start, end) = new(match), match.span()
        if word == match.group():
            continue
        text += (form.text[done:start], word)
        starts += (form.starts[done:start], np.full(len(word), form.starts[start]))
        ends += (form.ends[done:start], np.full(len(word), form.ends[end - 1]))
        done = end
    if not done:
        return form
    text.append(form.text[done:])
    starts.append(form.starts[done:])
    ends.append(form.ends[done:])
    return StandardForm("".join(text), np.concatenate(starts), np.concatenate(ends))


@cache
def _shorthand() -> re.Pattern[str]:
    words = sorted(cleaning_lists().abbreviations, key=len, reverse=True)
    return re.compile(r"(?<![\w/])(?:" + "|".join(map(re.escape, words)) + r")(?![\w/])")

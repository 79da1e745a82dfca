"""What a finding is called that began suddenly: "a severe headache, all of a sudden" is Thunderclap headache.

From the finding outwards, over listed words alone and within its sentence: what stands there has to say that
it was sudden, and for some findings that it was severe. Any other word ends the reach, so that a "not", a
"gradual" and another finding's suddenness never count.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from ml.recognition.durations import Lasted, Span, within
from ml.recognition.lexicon import LITTLE_WORDS, Lexicon
from ml.recognition.tokens import words_of

_FARTHEST = 120  # characters
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|\S|\n\s*\n")


class Sudden(NamedTuple):
    """A finding's name, what it is called where it began suddenly, and whether it must be severe as well."""

    finding: str
    becomes: str
    severe: bool


@dataclass(frozen=True, slots=True)
class OnsetTable:
    """Findings that have a name for a sudden onset; phrases that say so; words that may stand in between."""

    sudden: tuple[Sudden, ...]
    says_sudden: re.Pattern[str]
    says_severe: re.Pattern[str]
    passed: frozenset[str]
    adjectives: frozenset[str]  # of those phrases: before another noun they are said of that


@cache
def read_onsets() -> OnsetTable:
    """The shipped table (resources/recognition/onsets.toml)."""
    told = tomllib.loads(files("resources.recognition").joinpath("onsets.toml").read_text("utf-8"))
    sudden, severe = told["says_sudden"], told["says_severe"]
    words = {word for phrase in (*sudden, *severe) for word in _TOKEN.findall(phrase)}
    return OnsetTable(
        tuple(Sudden(row["finding"], row["becomes"], row["severe"]) for row in told["sudden"]),
        _any_of(sudden),
        _any_of(severe),
        frozenset(words | set(told["passed"].split())),
        frozenset(p for p in (*sudden, *severe) if p.isalpha() and not p.endswith("ly")),
    )


class OnsetReader:
    """The table in the terms of a lexicon."""

    def __init__(self, lexicon: Lexicon):
        self._table = read_onsets()
        self._sudden: dict[str, tuple[Sudden, str]] = {}
        for row in self._table.sudden:
            bare, long = (
                lexicon.named([word for word in words_of(name) if word.form not in LITTLE_WORDS])
                for name in (row.finding, row.becomes)
            )
            if bare is not None and long is not None:
                self._sudden[bare.term_id] = (row, long.term_id)

    def sudden(self, text: str, findings: Sequence[Span], denied: Collection[int]) -> Iterator[Lasted]:
        """Of findings (start, end, term id) in reading order, those that the text says were sudden.

        Of those `denied` (by number), only what stands before counts: "no sudden severe headache".
        """
        for number, (start, end, term_id) in enumerate(findings):
            if term_id not in self._sudden:
                continue
            row, becomes = self._sudden[term_id]
            begin = self._begin(text, findings, number)
            stop = end if number in denied else self._stop(text, findings, number)
            told = [
                match
                for says in (self._table.says_sudden, *((self._table.says_severe,) if row.severe else ()))
                if (match := says.search(text, begin, stop)) is not None
            ]
            if len(told) == 1 + row.severe:
                first, last = min(m.start() for m in told), max(m.end() for m in told)
                yield Lasted(number, becomes, min(start, first), max(end, last))

    def _begin(self, text: str, findings: Sequence[Span], number: int) -> int:
        """From where on nothing but listed words stands before the finding."""
        start = begin = findings[number][0]
        lowest = max((b for _, b, _ in within(findings, start - 2 * _FARTHEST, start)), default=0)
        for token in reversed(list(_TOKEN.finditer(text, max(lowest, start - _FARTHEST), start))):
            if not self._passes(token[0]):
                break
            begin = token.start()
        return begin

    def _stop(self, text: str, findings: Sequence[Span], number: int) -> int:
        """How far nothing but listed words stands behind it, adjectives of another noun left out."""
        end = stop = apart = findings[number][1]
        following = bisect_left(findings, end, key=lambda finding: finding[0])
        highest = findings[following][0] if following < len(findings) else len(text)
        last, ended = "", highest < end + _FARTHEST and highest < len(text)
        for token in _TOKEN.finditer(text, end, min(highest, end + _FARTHEST)):
            if not self._passes(token[0]):
                ended = token[0][0].isalnum()
                break
            apart = token.start() if token[0].casefold() in (",", "and") else apart
            last, stop = token[0].casefold(), token.end()
        return apart if ended and last in self._table.adjectives else stop

    def _passes(self, token: str) -> bool:
        return token.casefold().replace("’", "'") in self._table.passed


def _any_of(phrases: Sequence[str]) -> re.Pattern[str]:
    listed = "|".join(re.escape(p).replace(r"\ ", r"\s+") for p in sorted(phrases, key=len, reverse=True))
    return re.compile(rf"(?<![^\W_])(?:{listed})(?![^\W_])", re.IGNORECASE)

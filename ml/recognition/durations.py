"""What a finding is called that has lasted long: "cough for 3 months" is HPO's Chronic cough.

A duration belongs to a finding of its own sentence where nothing but listed words and other findings stands
between them. "Up to" and "less than" say nothing of how long at least.
"""

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from ml.recognition.lexicon import Lexicon
from ml.recognition.tokens import words_of

Span = tuple[int, int, str]  # of a finding: start, end, term id
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}
_SHORT = {"d": "day", "w": "week", "m": "month", "y": "year"}
_OF_WHAT = {"7": "day", "52": "week", "12": "month"}  # "3/12" is three months to a British clinician
_WORDS = {"a": 1, "an": 1, "one": 1, "couple": 2, "two": 2, "three": 3, "several": 3, "four": 4, "five": 5}
_WORDS |= {"six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "eighteen": 18}
_FARTHEST = 300  # code points from a finding to its duration, other findings of a list among them
_NEARLY = 0.9  # of a time that something has lasted almost
_NUMBER = rf"\d{{1,3}}(?:\.\d)?|{'|'.join(_WORDS)}"
_UNIT = r"days?|weeks?|wks?|months?|mths?|years?|yrs?"
_MORE = r"(?P<more>(?:over|more than|longer than|at least|greater than)\s+|>\s?)"
_AMOUNT = (
    rf"(?:{_MORE}|(?P<nearly>(?:almost|nearly|just under)\s+)|(?:about|around|roughly|the|last|past)\s+)*"
    rf"(?:(?:a\s+)?(?P<count>{_NUMBER})(?:\s?(?:-|–|to|or)\s?(?:{_NUMBER}))?(?:\s+of)?[\s-]+)?(?P<unit>{_UNIT})\b['’]?"
    r"|(?P<short>\d{1,2})/(?P<of>7|52|12)\b"
)
_LASTS = re.compile(
    rf"\b(?P<lead>for|x|lasting|lasted|lasts|over|during|in|since|persisting)\s+(?:{_AMOUNT})", re.IGNORECASE
)
_OF_IT = r"[\s-]+(?:(?:history|hx|h/o|duration|course)\s+)?of\b"
_HISTORY = re.compile(rf"(?:{_AMOUNT}){_OF_IT}", re.IGNORECASE)
_HISTORY_END = re.compile(rf"(?=[dwmy/])(?:(?:{_UNIT})\b['’]?|/(?:7|52|12)\b){_OF_IT}", re.IGNORECASE)
_STRETCH = re.compile(r"[\w\s.>–/'’-]+")  # of what a _HISTORY may hold
_NEEDS_LAST = frozenset({"over", "during", "in"})  # "over the last 3 months", not "over 3 months ago"
_ENDED = re.compile(r"\s*(?:ago|earlier|later|before|from now|old|prior|previously)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[.;!?:]\s|\n\s*\n|\n\s*[-*•]")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+|[^\w\s]")


class Duration(NamedTuple):
    """A stretch of time in a text: at least so many days, more than that where `more`."""

    start: int
    end: int
    days: float
    more: bool
    leads: bool  # stands before what has lasted: "3 months of cough"
    follows: bool  # may stand behind it: "cough for 3 months"


class Lasting(NamedTuple):
    """A finding's name, what it is called from so many days on, and where the source says so."""

    finding: str
    becomes: str
    days: float
    child_days: float
    reached: bool  # the bound itself counts


@dataclass(frozen=True, slots=True)
class DurationTable:
    """Findings that have another name once they have lasted, and words that may stand in between."""

    lasting: tuple[Lasting, ...]
    before: frozenset[str]
    behind: frozenset[str]


class Lasted(NamedTuple):
    """What finding number `number` is called by its duration; the words that say so are from start to end."""

    number: int
    term_id: str
    start: int
    end: int


@cache
def read_durations() -> DurationTable:
    """The shipped table (resources/recognition/durations.toml)."""
    told = tomllib.loads(files("resources.recognition").joinpath("durations.toml").read_text("utf-8"))
    lasting = tuple(
        Lasting(
            row["finding"],
            row["becomes"],
            _days_of(row.get("over", row.get("from", ""))),
            _days_of(row.get("child_over", row.get("over", row.get("from", "")))),
            "from" in row,
        )
        for row in told["lasting"]
    )
    return DurationTable(lasting, frozenset(told["before"].split()), frozenset(told["behind"].split()))


class DurationReader:
    """The table in the terms of a lexicon."""

    def __init__(self, lexicon: Lexicon):
        table = read_durations()
        self._before, self._behind = table.before, table.behind
        self._lasting: dict[str, tuple[Lasting, str]] = {}
        for row in table.lasting:
            bare, long = (lexicon.named(words_of(name)) for name in (row.finding, row.becomes))
            if bare is not None and long is not None:
                self._lasting[bare.term_id] = (row, long.term_id)

    def lasted(self, text: str, findings: Sequence[Span], is_child: Callable[[], bool]) -> Iterator[Lasted]:
        """Of findings (start, end, term id) in reading order, those that have lasted long enough."""
        candidates = [n for n, (_, _, term_id) in enumerate(findings) if term_id in self._lasting]
        durations = sorted(enumerate(durations_in(text)), key=_start) if candidates else []
        child = bool(durations) and is_child()
        for number in candidates:
            start, end, term_id = findings[number]
            row, long = self._lasting[term_id]
            for _, duration in _near(durations, start, end):
                if _is_long(duration, row, child=child) and self._belongs(text, findings, number, duration):
                    first, last = min(start, duration.start), max(end, duration.end)
                    alone = {(a, b) for a, b, _ in within(findings, first, last)} <= {(start, end)}
                    yield Lasted(number, long, *((first, last) if alone else (start, end)))
                    break

    def _belongs(self, text: str, findings: Sequence[Span], number: int, duration: Duration) -> bool:
        start, end, _ = findings[number]
        if duration.start >= end:
            between, passed, may = (end, duration.start), self._behind, duration.follows
        else:
            between, passed, may = (duration.end, start), self._before, duration.leads
        return may and between[0] <= between[1] and self._is_empty(text, between, findings, passed)

    def _is_empty(
        self, text: str, between: tuple[int, int], findings: Sequence[Span], passed: frozenset[str]
    ) -> bool:
        """Whether only listed words and other findings stand there; a comma needs an "and" beside it."""
        start, end = between
        gap = text[start:end]
        for a, b, _ in within(findings, start, end):
            gap = gap[: a - start] + " " * (b - a) + gap[b - start :]
        said = [word.casefold().replace("’", "'") for word in _WORD.findall(gap)]
        listed = "," not in said or bool({"and", "or"} & set(said))
        return not _SENTENCE.search(gap) and listed and all(word in passed or word == "," for word in said)


def within(findings: Sequence[Span], start: int, end: int) -> Iterator[Span]:
    """Of findings in reading order, those that lie there as a whole."""
    for at in range(bisect_left(findings, start, key=lambda finding: finding[0]), len(findings)):
        if findings[at][0] > end:
            break
        if findings[at][1] <= end:
            yield findings[at]


def _start(numbered: tuple[int, Duration]) -> int:
    return numbered[1].start


def _near(durations: Sequence[tuple[int, Duration]], start: int, end: int) -> list[tuple[int, Duration]]:
    """Of durations by their start, those about a finding, in the order of their numbers."""
    first = bisect_left(durations, start - _FARTHEST, key=_start)
    return sorted(durations[first : bisect_right(durations, end + _FARTHEST, key=_start)])


def durations_in(text: str) -> Iterator[Duration]:
    """Every stretch of time of which a text says that something lasts it, in reading order of each kind."""
    for match in _histories(text):
        yield _duration(match, leads=True, follows=False)
    for match in _LASTS.finditer(text):
        lead = match["lead"].casefold()
        within = re.search(r"\b(?:last|past)\b", match[0], re.IGNORECASE)
        if _ENDED.match(text, match.end()) or (lead in _NEEDS_LAST and not within):
            continue
        if match["count"] is None and match["short"] is None and not within:
            continue  # "for months" says little, "for the last year" says a year
        yield _duration(match, leads=_begins(text, match.start()), follows=True)


def _histories(text: str) -> Iterator[re.Match[str]]:
    """Every _HISTORY; as it may begin in many ways, its end is looked for first, in a tenth of the time."""
    for stretch in _STRETCH.finditer(text):
        if _HISTORY_END.search(text, *stretch.span()):
            yield from _HISTORY.finditer(text, *stretch.span())


def _duration(match: re.Match[str], *, leads: bool, follows: bool) -> Duration:
    if match["short"]:
        days = float(match["short"]) * _DAYS[_OF_WHAT[match["of"]]]
    else:
        count = (match["count"] or "1").casefold()
        days = float(_WORDS.get(count) or count) * _DAYS[_SHORT[match["unit"][0].casefold()]]
    days *= _NEARLY if match["nearly"] else 1.0
    return Duration(match.start(), match.end(), days, match["more"] is not None, leads, follows)


def _begins(text: str, place: int) -> bool:
    """Whether a sentence begins there: "For 3 months he has had a cough"."""
    before = text[max(place - _FARTHEST, 0) : place]
    said = before.rstrip()
    return not said or said[-1] in ".;!?" or "\n" in before[len(said) :]


def _is_long(duration: Duration, row: Lasting, *, child: bool) -> bool:
    bound = row.child_days if child else row.days
    return duration.days > bound or (duration.days == bound and (row.reached or duration.more))


def _days_of(text: str) -> float:
    number, unit = text.split(" ")
    return float(number) * _DAYS[unit.rstrip("s")]

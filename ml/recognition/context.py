"""Negation, doubt, time and experiencer of a mention, by trigger phrases (ConText).

Harkema et al. 2009 after Chapman et al. 2001 (NegEx): a trigger governs the words on its side of
the mention, up to the sentence's end, a terminator or another clause.
"""

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from typing import Any

from ml.recognition.closing_commas import closing_commas
from ml.recognition.sections import section_kinds
from ml.recognition.tokens import Word
from ml.recognition.turns import speaker_labels

_SENTENCE_END = re.compile(
    r"(?=[.!?;:\s])(?:"  # for speed: with nothing else does any of them begin
    r"(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bvs)(?<!\.[a-z])[.!?;](?=,?\s|,[A-Z\d]|$)"  # not that of Dr. or p.r.n.
    r"|\n\s*\n|\n(?=\s*[-*•\d])|:(?=\s*\n)"  # a blank line, a list item, a heading of its own
    r"|\s(?=\d{1,2}\)\s)|(?<!\s)\s{2,}(?=[A-Z][A-Z ]{1,60}:)"  # numbered items and headings inside a line
    r")"
)
_LONE_ANSWERS = frozenset({"no", "none", "nil", "neg", "negative", "absent"})
_QUERY = re.compile(r"[\s,(:\-]\?\s?$")
_MINUS = re.compile(r"[ \t]?\([-−–]\)")
_DASH = re.compile(r"\s+[-–—]+\s+|\s*(?:\.{3}|…)\s*")
_ANSWER_ENDS = re.compile(r"[ \t]*(?:[.;,\n)|]|$)")
_PLUS = re.compile(r"(?:^|[\s,(/])\+[^\W\d_]")
TERMINATOR, PRONOUN, CLAUSE, ANSWER, NEWS = "terminator", "pronoun", "clause", "answer", "news"
CLOSED = "closed"
_NEAR = {"negated": 3, "uncertain": 1}  # words: "doesn't get many headaches", "wants to lose weight"
Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    """An occurrence of a trigger phrase, as word numbers (inclusive)."""

    kind: str
    side: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ContextOf:
    """What the surroundings say of a mention."""

    negated: bool
    uncertain: bool
    family: bool
    historical: bool


class ContextRules:
    """The rules, ready to be asked about words of one text."""

    KINDS = ("negated", "uncertain", "family", "historical")

    def __init__(self, rules: dict[str, Any]):
        self._window = int(rules["window"])
        self._phrases: dict[Phrase, list[tuple[str, str]]] = {}
        for kind in self.KINDS:
            for side in ("before", "clause", "after", "pseudo", "near"):
                self._add(rules[kind].get(side, ()), kind, side)
        self._add(rules["terminators"]["words"], TERMINATOR, "")
        self._add(rules["terminators"]["pronouns"], PRONOUN, "")
        self._add(rules["terminators"]["clauses"], CLAUSE, "")
        self._add(rules["terminators"]["news"], NEWS, "")
        self._add(rules["answers"]["words"], ANSWER, "")
        self._going_on = frozenset(rules["negated"]["going_on"])
        self._introducing = frozenset(rules["terminators"]["introducing"])
        self._anew = frozenset(rules["answers"]["anew"])
        self._longest = max(len(phrase) for phrase in self._phrases)
        self._longest_from: dict[str, int] = {}
        for phrase in self._phrases:
            self._longest_from[phrase[0]] = max(self._longest_from.get(phrase[0], 0), len(phrase))
        self._sections = {
            heading: kind if kind in self.KINDS else ""
            for kind, headings in rules["sections"].items()
            for heading in headings
        }
        self._relatives = frozenset(rules["relatives"]["words"])
        self._between = frozenset(rules["relatives"]["between"])

    def _add(self, lines: Sequence[str], kind: str, side: str) -> None:
        for phrase in (p for line in lines for p in _phrases(line)):
            self._phrases.setdefault(phrase, []).append((kind, side))

    @classmethod
    def load(cls) -> "ContextRules":
        """The rules that ship with the program."""
        return cls(tomllib.loads(files("resources").joinpath("context_rules.toml").read_text("utf-8")))

    def sentence_starts(self, text: str, words: Sequence[Word]) -> list[int]:
        """For each word, the number of the first word of its sentence."""
        ends = sorted(
            [
                *(start for start, _ in speaker_labels(text)),
                *(m.start() for m in _SENTENCE_END.finditer(text)),
            ]
        )
        starts: list[int] = []
        end_at, first = 0, 0
        for number, word in enumerate(words):
            while end_at < len(ends) and ends[end_at] < word.start:
                end_at, first = end_at + 1, number
            starts.append(first)
        return starts

    def triggers(self, text: str, words: Sequence[Word]) -> list[Trigger]:
        """Every trigger in reading order, longest phrase first; pseudo phrases swallow what they hold."""
        plain = [text[w.start : w.end].casefold().replace("’", "'") for w in words]
        found: list[Trigger] = []
        at = 0
        while at < len(words):
            before = text[words[at - 1].end if at else 0 : words[at].start]
            if "?" in before and _QUERY.search(before if at else f"\n{before}"):
                found.append(Trigger("uncertain", "before", at, at - 1))  # stands before the word, not on it
            pattern = self._answer(text, words[at], before) or self._in_relative(plain, at)
            size = self._longest_phrase(plain, at)
            if pattern is not None:
                kind, size = pattern
                found.append(Trigger(kind, "after", at, at + size - 1))
                found.extend(_line_start(text, words, at))
            elif size:
                found.extend(self._said(plain, text, words, (at, size)))
                size = self._consumed(plain, at, size)
            at += max(size, 1)
        return sorted(found, key=lambda t: t.first)

    def _said(
        self, plain: Sequence[str], text: str, words: Sequence[Word], place: tuple[int, int]
    ) -> Iterator[Trigger]:
        """The triggers that a phrase is: "no" is none where it answers, "he has" ends what is before."""
        at, size = place
        after = at + size
        sides = self._phrases[tuple(plain[at:after])]
        kinds = {kind for kind, _ in sides}
        if ANSWER in kinds and after < len(words):
            following = text[words[after - 1].end : words[after].start]
            if "," in following or plain[after] in self._anew:
                yield Trigger(TERMINATOR, "", at, after - 1)
                return
        if CLAUSE in kinds and not (at and plain[at - 1] in self._introducing):
            yield Trigger(TERMINATOR, "", at, at - 1)  # stands before the clause: its own "not" still governs
        if NEWS in kinds:
            yield Trigger(
                NEWS, "", at, at - 1
            )  # before the words, which may be a finding's: "found unconscious"
        for kind, side in sides:
            if side != "pseudo" and kind not in (CLAUSE, ANSWER, NEWS):
                yield Trigger(kind, side, at, after - 1)

    def _consumed(self, plain: Sequence[str], at: int, size: int) -> int:
        """How many words a phrase takes: in "i do n't see" the clause leaves "do n't see" to be read."""
        kinds = {kind for kind, _ in self._phrases[tuple(plain[at : at + size])]}
        return 1 if kinds == {CLAUSE} else size

    def _answer(self, text: str, word: Word, before: str) -> tuple[str, int] | None:
        """A word that answers what stands before it: "seizures: no", "| seizures | no |", "+ve"."""
        if word.form not in _LONE_ANSWERS and word.form != "ve":
            return None
        shown = text[word.start : word.end].casefold()
        if shown == "ve" and before.endswith("+"):
            return "affirmed", 1
        asked = any(sign in before for sign in ":|\t") or _DASH.fullmatch(before) is not None
        alone = shown in _LONE_ANSWERS and asked and _ANSWER_ENDS.match(text, word.end)
        return ("negated", 1) if alone else None

    def _in_relative(self, plain: Sequence[str], at: int) -> tuple[str, int] | None:
        """ "in his older brother": how many words it has."""
        if plain[at] != "in":
            return None
        last = at + 1
        while last < min(len(plain), at + 5) and plain[last] in self._between:
            last += 1
        return (
            ("family", last - at + 1) if plain[last : last + 1] and plain[last] in self._relatives else None
        )

    def with_closed_lists(
        self,
        text: str,
        words: Sequence[Word],
        triggers: Sequence[Trigger],
        *,
        starts: Sequence[int],
        named: Set[int],
    ) -> list[Trigger]:
        """The triggers, and where a comma ends what one of them denies; `named` are the words of findings."""
        denials = [
            (t.last, min(t.last + self._window, bisect_right(starts, starts[t.first]) - 1))
            for t in triggers
            if t.side == "clause"
        ]
        closing = closing_commas(text, words, denials, named=named, going_on=self._going_on)
        ends = [Trigger(CLOSED, "", word, word - 1) for word in closing]
        return sorted((*triggers, *ends), key=lambda t: t.first)

    def section_kinds(self, text: str, words: Sequence[Word]) -> list[str]:
        """For each word, what the heading above it says: a kind, or ""."""
        return section_kinds(text, words, headings=self._sections)

    def context(
        self, first: int, last: int, *, starts: Sequence[int], triggers: Sequence[Trigger], section: str
    ) -> ContextOf:
        """What governs the words `first` to `last`; `triggers` in reading order."""
        sentence = starts[first]
        begin = bisect_left(triggers, first - self._window - self._longest, key=lambda t: t.first)
        end = bisect_right(triggers, last + self._window, key=lambda t: t.first)
        here = [
            t
            for t in triggers[begin:end]
            if starts[t.first] == sentence and not (t.first <= last and t.last >= first)
        ]
        stops = [t for t in here if t.kind in (TERMINATOR, PRONOUN, NEWS, CLOSED)]

        def governs(trigger: Trigger) -> bool:
            if trigger.side in ("before", "clause", "near") and trigger.last < first:
                between = any(
                    trigger.last < s.first < first + (s.kind in (NEWS, CLOSED)) and _stops(s, trigger)
                    for s in stops
                )
                reach = _NEAR[trigger.kind] if trigger.side == "near" else self._window
                return not between and first - trigger.last <= reach
            if trigger.side == "after" and trigger.first > last:
                between = any(last < s.first < trigger.first and _stops(s, trigger) for s in stops)
                return not between and trigger.first - last <= min(self._window, 6)
            return False

        kinds = {t.kind for t in here if t not in stops and governs(t)}
        return ContextOf(
            negated="negated" in kinds or section == "negated",
            uncertain="uncertain" in kinds or section == "uncertain",
            family="family" in kinds or section == "family",
            historical="historical" in kinds or section == "historical",
        )

    def _longest_phrase(self, plain: Sequence[str], at: int) -> int:
        longest = self._longest_from.get(plain[at], 0)
        for size in range(min(longest, len(plain) - at), 0, -1):
            if tuple(plain[at : at + size]) in self._phrases:
                return size
        return 0


def _stops(stop: Trigger, trigger: Trigger) -> bool:
    """ "Who" goes on about a relative, but ends what was denied or feared; news ends a history before it.

    The end of a list ends what was denied before it. "Previously found to have" is no news, nor is what
    stands before "five years ago".
    """
    if stop.kind == CLOSED:
        return trigger.kind == "negated" and trigger.side != "after"
    if stop.kind == NEWS:
        return (trigger.kind, trigger.side) == ("historical", "before") and stop.first > trigger.last + 1
    return stop.kind == TERMINATOR or trigger.kind != "family"


def has_minus(text: str, start: int, end: int) -> bool:
    """Whether a mention has "(-)" behind it, or "-" before it in a line that says "+" of others."""
    if _MINUS.match(text, end):
        return True
    before = text[max(start - 2, 0) : start]
    line = text.rfind("\n", 0, start) + 1
    signed = before[-1:] in ("-", "−") and before[:1] in " \t,(/" and start - line > 1
    stop = text.find("\n", end)
    return signed and _PLUS.search(text, line, stop if stop >= 0 else len(text)) is not None


def _line_start(text: str, words: Sequence[Word], answer: int) -> Iterator[Trigger]:
    """An answer speaks of its own line: what stands above is out of its reach."""
    line = text.rfind("\n", 0, words[answer].start) + 1
    first = bisect_left(words, line, hi=answer, key=lambda w: w.start)
    yield Trigger(TERMINATOR, "", first, first - 1)


def _phrases(text: str) -> Iterator[Phrase]:
    """The phrases that a line stands for: "was|were not seen" is two."""
    yield from product(*(word.split("|") for word in text.casefold().split()))

"""Negation, doubt, time and experiencer of a mention, by trigger phrases (ConText).

Harkema et al. 2009 after Chapman et al. 2001 (NegEx): a trigger governs the words on its side of
the mention, up to the sentence's end, a terminator or another clause.
"""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from ml.recognition.tokens import Word

_SENTENCE_END = re.compile(
    r"(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bvs)[.!?;](?=\s|$)"  # a full stop that is none of a title
    r"|\n\s*\n|\n(?=\s*[-*•\d])|:(?=\s*\n)"  # a blank line, a list item, a heading of its own
    r"|\s(?=\d{1,2}\)\s)|\s{2,}(?=[A-Z][A-Z ]+:)"  # numbered items and headings inside a line
)
_HEADING = re.compile(r"^[ \t]*([A-Za-z][A-Za-z /]{1,40}?)[ \t]*:", re.MULTILINE)
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
            for side in ("before", "after", "pseudo"):
                for text in rules[kind][side]:
                    self._phrases.setdefault(_phrase(text), []).append((kind, side))
        for text in rules["terminators"]["words"]:
            self._phrases.setdefault(_phrase(text), []).append(("terminator", ""))
        self._longest = max(len(phrase) for phrase in self._phrases)
        self._sections = {h: kind for kind, names in rules["sections"].items() for h in names}

    @classmethod
    def load(cls) -> "ContextRules":
        """The rules that ship with the program."""
        return cls(tomllib.loads(files("resources").joinpath("context_rules.toml").read_text("utf-8")))

    def sentence_starts(self, text: str, words: Sequence[Word]) -> list[int]:
        """For each word, the number of the first word of its sentence."""
        ends = [m.start() for m in _SENTENCE_END.finditer(text)]
        starts: list[int] = []
        end_at, first = 0, 0
        for number, word in enumerate(words):
            while end_at < len(ends) and ends[end_at] < word.start:
                end_at, first = end_at + 1, number
            starts.append(first)
        return starts

    def triggers(self, text: str, words: Sequence[Word]) -> list[Trigger]:
        """Every trigger, longest phrase first at each place; pseudo phrases swallow what they hold."""
        plain = [text[w.start : w.end].casefold().replace("’", "'") for w in words]
        found: list[Trigger] = []
        at = 0
        while at < len(words):
            size = self._longest_phrase(plain, at)
            phrase = tuple(plain[at : at + size])
            for kind, side in self._phrases.get(phrase, ()) if size else ():
                if side != "pseudo":
                    found.append(Trigger(kind, side, at, at + size - 1))
            at += max(size, 1)
        return found

    def section_kinds(self, text: str, words: Sequence[Word]) -> list[str]:
        """For each word, what the heading above it says ("family", "historical" or "")."""
        headings = [
            (m.start(), self._sections.get(m.group(1).strip().casefold(), ""))
            for m in _HEADING.finditer(text)
        ]
        kinds: list[str] = []
        at, kind = 0, ""
        for word in words:
            while at < len(headings) and headings[at][0] <= word.start:
                at, kind = at + 1, headings[at][1]
            kinds.append(kind)
        return kinds

    def context(
        self, first: int, last: int, *, starts: Sequence[int], triggers: Sequence[Trigger], section: str
    ) -> ContextOf:
        """What governs the words `first` to `last`."""
        sentence = starts[first]
        here = [
            t for t in triggers if starts[t.first] == sentence and not (t.first <= last and t.last >= first)
        ]
        stops = [t for t in here if t.kind == "terminator"]

        def governs(trigger: Trigger) -> bool:
            if trigger.side == "before" and trigger.last < first:
                between = any(trigger.last < s.first < first for s in stops)
                return not between and first - trigger.last <= self._window
            if trigger.side == "after" and trigger.first > last:
                between = any(last < s.first < trigger.first for s in stops)
                return not between and trigger.first - last <= min(self._window, 6)
            return False

        kinds = {t.kind for t in here if t.kind != "terminator" and governs(t)}
        return ContextOf(
            negated="negated" in kinds,
            uncertain="uncertain" in kinds,
            family="family" in kinds or section == "family",
            historical="historical" in kinds or section == "historical",
        )

    def _longest_phrase(self, plain: Sequence[str], at: int) -> int:
        for size in range(min(self._longest, len(plain) - at), 0, -1):
            if tuple(plain[at : at + size]) in self._phrases:
                return size
        return 0


def _phrase(text: str) -> Phrase:
    return tuple(text.casefold().split())

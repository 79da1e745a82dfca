"""Finds mentions of terms in a text, with their state, experiencer and temporality."""

from collections.abc import Sequence
from dataclasses import dataclass

from ml.recognition.context import ContextRules
from ml.recognition.lexicon import Lexicon
from ml.recognition.tokens import Word, words_of

OBSERVED, EXCLUDED = "observed", "excluded"


@dataclass(frozen=True, slots=True)
class Mention:
    """A term named in a text. `start`/`end` are code points, end exclusive.

    `experiencer` is "patient" or "family"; `temporality` "current", "historical" or
    "hypothetical". A mention is about the patient now only with "patient" and not "hypothetical".
    """

    start: int
    end: int
    term_id: str
    text: str
    state: str
    score: float
    experiencer: str
    temporality: str


class Recogniser:
    """A lexicon and context rules, ready for many texts."""

    def __init__(self, lexicon: Lexicon, rules: ContextRules | None = None):
        self._lexicon = lexicon
        self._rules = rules or ContextRules.load()

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Every mention in reading order."""
        words = words_of(text)
        if not words:
            return ()
        starts = self._rules.sentence_starts(text, words)
        triggers = self._rules.triggers(text, words)
        sections = self._rules.section_kinds(text, words)
        breaks = _breaks(text, words)
        found = []
        for match in self._lexicon.matches(words, breaks):
            about = self._rules.context(
                match.first, match.last, starts=starts, triggers=triggers, section=sections[match.first]
            )
            start, end = words[match.first].start, words[match.last].end
            found.append(
                Mention(
                    start=start,
                    end=end,
                    term_id=match.term_id,
                    text=text[start:end],
                    state=EXCLUDED if about.negated else OBSERVED,
                    score=match.score * (0.6 if about.uncertain else 1.0),
                    experiencer="family" if about.family else "patient",
                    temporality="hypothetical"
                    if about.uncertain
                    else ("historical" if about.historical else "current"),
                )
            )
        return tuple(found)


def _breaks(text: str, words: Sequence[Word]) -> frozenset[int]:
    """Numbers of words that a name can't reach across: what stands before them ends a clause."""
    ending = (".", ";", ":", "!", "?", "\n", "(", ")", "[", "]", "•")
    return frozenset(
        number
        for number in range(1, len(words))
        if any(mark in text[words[number - 1].end : words[number].start] for mark in ending)
    )

"""Finds mentions of terms in a text, with their state, experiencer and temporality."""

from dataclasses import dataclass

from ml.recognition.context import ContextRules, Trigger
from ml.recognition.coordination import shared_matches
from ml.recognition.lexicon import Lexicon, LexiconMatch
from ml.recognition.tokens import WordSequence, word_sequence

_LONGEST_PLAIN = 8  # words; longer matches were put together across a coordination
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
        sequence = word_sequence(text)
        words = sequence.words
        if not words:
            return ()
        starts = self._rules.sentence_starts(text, words)
        triggers = self._rules.triggers(text, words)
        sections = self._rules.section_kinds(text, words)
        found = []
        matches = self._matches(sequence, text)
        triggers = _outside(triggers, matches)
        for match in matches:
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

    def _matches(self, sequence: WordSequence, text: str) -> list[LexiconMatch]:
        """Names as they stand, and names completed across a coordination; each once a place."""
        shared = shared_matches(sequence, self._lexicon)
        plain = self._lexicon.matches(sequence, text, split=frozenset(m.last for m in shared))
        unique = {(m.first, m.last, m.term_id): m for m in (*shared, *plain)}
        return sorted(unique.values(), key=lambda m: (m.first, m.last, m.term_id))


def _outside(triggers: list[Trigger], matches: list[LexiconMatch]) -> list[Trigger]:
    """Triggers that are no part of a name: "absent speech" negates nothing."""
    inside: set[int] = set()
    for match in matches:
        if match.last - match.first < _LONGEST_PLAIN:
            inside.update(range(match.first, match.last + 1))
    return [t for t in triggers if t.last < t.first or not inside.issuperset(range(t.first, t.last + 1))]

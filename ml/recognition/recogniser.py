"""Finds mentions of terms in a text, with their state, experiencer and temporality."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ml.recognition.context import ContextOf, ContextRules, Trigger, has_minus
from ml.recognition.coordination import shared_matches
from ml.recognition.durations import DurationReader
from ml.recognition.lexicon import Lexicon, LexiconMatch
from ml.recognition.measurements import is_child, measured_matches
from ml.recognition.normals import normal_matches
from ml.recognition.onsets import OnsetReader
from ml.recognition.questions import Answer, Question, polar_questions
from ml.recognition.shorthand import shorthand_matches
from ml.recognition.sites import SiteMatch, site_matches
from ml.recognition.supplement import read_supplement
from ml.recognition.tokens import WordSequence, word_sequence
from ml.text.text_memory import TextMemory, name_of_texts

_LONGEST_PLAIN = 8  # words; longer matches were put together across a coordination
TEXTS_KEPT = 256  # a chart's notes
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
    """A lexicon and context rules, ready for many texts. The last few texts are not read again."""

    def __init__(self, lexicon: Lexicon, rules: ContextRules | None = None):
        self._lexicon = lexicon
        self._rules = rules or ContextRules.load()
        self._durations, self._onsets = DurationReader(lexicon), OnsetReader(lexicon)
        self._known = TextMemory[tuple[Mention, ...]](TEXTS_KEPT)
        self._as_read = TextMemory[tuple[Mention, ...]](TEXTS_KEPT)

    def mentions(self, text: str, *, age_days: int | None = None) -> tuple[Mention, ...]:
        """Every mention in reading order; limits of measured values hang on the patient's age, if known."""
        found = self._known.of((text, str(age_days)), lambda: self._read(text, age_days))
        self._as_read.put(name_of_texts([text]), found)
        return found

    def mentions_as_read(self, text: str) -> tuple[Mention, ...]:
        """The same, by the age at which the text was last read: without one where it is read now."""
        known = self._as_read.get(name_of_texts([text]))
        return self.mentions(text) if known is None else known

    def _read(self, text: str, age_days: int | None) -> tuple[Mention, ...]:
        read = _with_plain_lines(text)
        sequence = word_sequence(read)
        if not sequence.words:
            return ()
        matches = self._matches(sequence, read, age_days)
        contexts = self._contexts(read, sequence, matches)
        mentions = [
            _mention(text, sequence.words[m.first].start, sequence.words[m.last].end, m, about)
            for m, about in zip(matches, contexts, strict=True)
        ]
        return self._lasted(text, read, mentions, age_days)

    def _lasted(
        self, text: str, read: str, mentions: Sequence[Mention], age_days: int | None
    ) -> tuple[Mention, ...]:
        """The mentions; what has lasted long or was sudden, by the text, under the name that it has then."""
        found = list(mentions)
        said = [(m.start, m.end, m.term_id) for m in mentions]
        there = [(m.start, m.end, m.term_id if m.state == OBSERVED else "") for m in mentions]
        lasted = self._durations.lasted(read, there, lambda: is_child(read, age_days))
        denied = {number for number, m in enumerate(mentions) if m.state == EXCLUDED}
        for long in (*lasted, *self._onsets.sudden(read, said, denied)):
            words = text[long.start : long.end]
            found[long.number] = replace(
                mentions[long.number],
                start=long.start,
                end=long.end,
                text=words,
                term_id=long.term_id,
            )
        return tuple(sorted(found, key=lambda m: (m.start, m.end)))

    def _contexts(
        self, text: str, sequence: WordSequence, matches: Sequence[LexiconMatch]
    ) -> list[ContextOf]:
        words = sequence.words
        starts = self._rules.sentence_starts(text, words)
        said = _outside(self._rules.triggers(text, words), matches)
        named = {number for match in matches for number in _span(match)}
        triggers = self._rules.with_closed_lists(text, words, said, starts=starts, named=named)
        sections = self._rules.section_kinds(text, words)
        found = []
        for match in matches:
            about = self._rules.context(
                match.first, match.last, starts=starts, triggers=triggers, section=sections[match.first]
            )
            minus = has_minus(text, words[match.first].start, words[match.last].end)
            negated = match.denied or (not match.measured and (minus or about.negated))
            found.append(replace(about, negated=negated))
        places = [words[match.first].start for match in matches]
        return _answered(found, places, polar_questions(text))

    def _matches(self, sequence: WordSequence, text: str, age_days: int | None) -> list[LexiconMatch]:
        """Names as they stand, names completed across a coordination, complaints at a part, values."""
        shared = shared_matches(sequence, self._lexicon)
        plain = self._lexicon.matches(sequence, text, split=frozenset(m.last for m in shared))
        composed = site_matches(sequence, self._lexicon, text)
        short = shorthand_matches(sequence, self._lexicon, text)
        normal = normal_matches(sequence, self._lexicon)
        named = [*shared, *short, *normal, *_with_sites(plain, _unmentioned(composed, shared))]
        named = _outside_compounds(named, sequence, text)
        measured = measured_matches(sequence, self._lexicon, text, age_days=age_days)
        unique = {(m.first, m.last, m.term_id): m for m in (*_unmeasured(named, measured), *measured)}
        return sorted(unique.values(), key=lambda m: (m.first, m.last, m.term_id))


def _outside_compounds(
    named: Sequence[LexiconMatch], sequence: WordSequence, text: str
) -> list[LexiconMatch]:
    """Names less those in a phrase of something else: "Glasgow Coma Scale"."""
    spans = [found.span() for found in read_supplement().compounds.finditer(text)]
    words = sequence.words
    return [
        m
        for m in named
        if not any(start <= words[m.first].start and words[m.last].end <= end for start, end in spans)
    ]


def _unmentioned(composed: Sequence[SiteMatch], shared: Sequence[LexiconMatch]) -> list[SiteMatch]:
    """Complaints at a part that no name completed across a coordination has said already."""
    said = {(m.term_id, n) for m in shared for n in _span(m)}
    return [site for site in composed if (site.match.term_id, site.complaint) not in said]


def _with_sites(named: Sequence[LexiconMatch], composed: Sequence[SiteMatch]) -> list[LexiconMatch]:
    """Names, and complaints at a part: these give way to longer names, and replace the complaint's alone."""
    found = list(named)
    parts = {(site.complaint, number) for site in composed for number in site.part_words}
    for site in composed:
        match = site.match
        at_complaint = [m for m in named if m.first <= site.complaint <= m.last]
        at_part = [m for m in named if m.first <= site.part[1] and site.part[0] <= m.last]
        alone = [m for m in at_complaint if not any((site.complaint, n) in parts for n in _span(m))]
        other = [
            m for m in at_part if not any(s.part == site.part and s.complaint in _span(m) for s in composed)
        ]
        gives_way = (
            any(m.first < match.first or m.last > match.last for m in alone)
            or any(m.first < site.part[0] or m.last > site.part[1] for m in other)
            or any(m.term_id == match.term_id for m in (*at_complaint, *at_part))
            or any(m in at_part for m in at_complaint)
        )
        if not gives_way:
            found = [m for m in found if m not in alone] + [match]
    return found


def _unmeasured(named: Sequence[LexiconMatch], measured: Sequence[LexiconMatch]) -> list[LexiconMatch]:
    """Names less those that a value speaks of: "fever of 38.5"."""
    taken = {(n, m.term_id) for m in measured for n in _span(m)}
    return [m for m in named if not any((n, m.term_id) in taken for n in _span(m))]


def _span(match: LexiconMatch) -> range:
    return range(match.first, match.last + 1)


def _outside(triggers: Sequence[Trigger], matches: Sequence[LexiconMatch]) -> list[Trigger]:
    """Triggers that are no part of a name: "absent speech" negates nothing."""
    inside: set[int] = set()
    for match in matches:
        if match.last - match.first < _LONGEST_PLAIN:
            inside.update(range(match.first, match.last + 1))
    return [t for t in triggers if t.last < t.first or not inside.issuperset(range(t.first, t.last + 1))]


def _answered(
    contexts: Sequence[ContextOf], places: Sequence[int], questions: Sequence[Question]
) -> list[ContextOf]:
    """What is asked is doubtful, unless an answer settles it; a yes to one of several does not."""
    starts = [question.start for question in questions]
    holders = [bisect_right(starts, place) - 1 for place in places]
    inside = [
        h if h >= 0 and place < questions[h].end else -1 for h, place in zip(holders, places, strict=True)
    ]
    asked = Counter(inside)
    return [
        about if holder < 0 else _settled(about, questions[holder], alone=asked[holder] == 1)
        for about, holder in zip(contexts, inside, strict=True)
    ]


def _settled(about: ContextOf, question: Question, *, alone: bool) -> ContextOf:
    if question.answer is Answer.NO:
        return replace(about, negated=True, uncertain=False)
    which = question.answer is Answer.YES and (alone or not question.choice)
    return replace(about, uncertain=not which)


def _mention(text: str, start: int, end: int, match: LexiconMatch, about: ContextOf) -> Mention:
    return Mention(
        start=start,
        end=end,
        term_id=match.term_id,
        text=text[start:end],
        state=EXCLUDED if about.negated else OBSERVED,
        score=match.score * (0.6 if about.uncertain else 1.0),
        experiencer="family" if about.family else "patient",
        temporality="hypothetical" if about.uncertain else "historical" if about.historical else "current",
    )


def _with_plain_lines(text: str) -> str:
    """The text with "\n" for every sign that ends a line, as long as before."""
    return text.replace("\r\n", " \n").translate(_LINE_ENDS)


_LINE_ENDS = {ord(sign): "\n" for sign in "\r\v\f\x85\u2028\u2029"}

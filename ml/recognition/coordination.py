"""Spells out shared words: "renal and cardiac anomalies", "cleft lip and palate".

In a list of conjuncts, the last may lend its final words to the earlier ones, and the first its
leading words to the later ones. Only words of a conjunct that is a name itself are lent: the two
sides are parallel ("cleft lip", "cleft palate"), which keeps chance combinations out.
"""

from collections.abc import Iterator
from itertools import product

from ml.recognition.lexicon import JOINING_WORDS, LITTLE_WORDS, SPOKEN, Entry, Lexicon, LexiconMatch
from ml.recognition.site_table import read_sites
from ml.recognition.tokens import WordSequence

_COORDINATORS = frozenset({"and", "or", "nor"})
_LONGEST_MIDDLE = 3  # content words of a conjunct between two that share
_MOST_CONJUNCTS = 4
_LENT = (1, 2, 3)  # content words that may be lent
_OWN = (1, 2)  # content words of which the lent ones were the neighbours
_HEADS = frozenset({"abnormality", "disorder", "syndrome"})  # nouns that stand last: they modify nothing

_UNABLE = frozenset({"cannot", "difficulty", "loss"})

Conjunct = list[int]  # numbers of its content words


def shared_matches(sequence: WordSequence, lexicon: Lexicon) -> list[LexiconMatch]:
    """Names that are complete only with words shared across a coordination."""
    found: list[LexiconMatch] = []
    verbs = read_sites().verbs
    for left, right in _neighbours(sequence, lexicon):
        for numbers in (
            *_lent_backwards(sequence, lexicon, left, right),
            *_lent_forwards(sequence, lexicon, left, right),
        ):
            if any(sequence.words[n].form in verbs for n in numbers):
                continue  # "weak on my feet, and my neck hurts"
            entry = lexicon.named([sequence.words[n] for n in numbers])
            if (
                entry is not None
                and _lends(sequence, entry, numbers)
                and not _written_whole(sequence, lexicon, numbers)
            ):
                found.append(LexiconMatch(min(numbers), max(numbers), entry.term_id, entry.score * 0.9))
                break
    return found


def _neighbours(sequence: WordSequence, lexicon: Lexicon) -> Iterator[tuple[Conjunct, Conjunct]]:
    """Pairs of conjuncts of one list, with short ones between them at most."""
    for conjuncts in _lists(sequence):
        for right in range(1, len(conjuncts)):
            for left in range(right - 1, max(right - _MOST_CONJUNCTS, -1), -1):
                if _coordinated(sequence, conjuncts[right - 1], conjuncts[right]):
                    yield conjuncts[left], conjuncts[right]
                if len(conjuncts[left]) > _LONGEST_MIDDLE or _named(sequence, lexicon, conjuncts[left]):
                    break


def _lists(sequence: WordSequence) -> Iterator[list[Conjunct]]:
    """Runs of conjuncts where at least two stand together; "with" or a full stop ends a run."""
    conjuncts: list[Conjunct] = [[]]
    for number, word in enumerate(sequence.words):
        joins = word.form in _COORDINATORS
        if number in sequence.hard or (word.form in JOINING_WORDS and not joins):
            if len(conjuncts) > 1:
                yield [c for c in conjuncts if c]
            conjuncts = [[]]
        if (joins or number in sequence.soft) and conjuncts[-1]:
            conjuncts.append([])
        if word.form not in LITTLE_WORDS and word.form not in JOINING_WORDS:
            conjuncts[-1].append(number)
    if len(conjuncts) > 1:
        yield [c for c in conjuncts if c]


def _lent_backwards(
    sequence: WordSequence, lexicon: Lexicon, left: Conjunct, right: Conjunct
) -> Iterator[Conjunct]:
    """The tail of the left conjunct with the last words of a name on the right, longest first."""
    for own, lent in product(_OWN, reversed(_LENT)):
        name = right[: own + lent]
        if len(name) == own + lent and _named(sequence, lexicon, name):
            for size in (own + 1, own, own - 1):
                if 0 < size <= len(left) and sequence.words[left[-1]].loose not in _HEADS:
                    yield [*left[-size:], *name[own:]]


def _lent_forwards(
    sequence: WordSequence, lexicon: Lexicon, left: Conjunct, right: Conjunct
) -> Iterator[Conjunct]:
    """The first words of a name on the left with the beginning of the right conjunct, longest first."""
    for own, lent in product(_OWN, reversed(_LENT)):
        name = left[-(own + lent) :]
        if len(name) == own + lent and _named(sequence, lexicon, name):
            for size in (own + 1, own, own - 1):
                longer = any(_named(sequence, lexicon, right[:k]) for k in range(size + 1, size + 3))
                if 0 < size <= len(right) and not longer:
                    yield [*name[:lent], *right[:size]]


def _coordinated(sequence: WordSequence, left: Conjunct, right: Conjunct) -> bool:
    """Whether "and", "or" or a slash stands between neighbours: a comma alone joins no list."""
    between = range(left[-1] + 1, right[0])
    return right[0] not in sequence.commas or any(sequence.words[n].form in _COORDINATORS for n in between)


def _written_whole(sequence: WordSequence, lexicon: Lexicon, numbers: Conjunct) -> bool:
    """Whether the words, joined by a slash alone, are a name as they stand ("renal aplasia/hypoplasia")."""
    span = range(min(numbers), max(numbers) + 1)
    if any(sequence.words[n].form in _COORDINATORS for n in span):
        return False
    return _named(sequence, lexicon, [n for n in span if sequence.words[n].form not in LITTLE_WORDS])


def _named(sequence: WordSequence, lexicon: Lexicon, numbers: Conjunct) -> bool:
    """Whether words are a name that lends."""
    entry = lexicon.named([sequence.words[n] for n in numbers])
    return entry is not None and _lends(sequence, entry, numbers)


def _lends(sequence: WordSequence, entry: Entry, numbers: Conjunct) -> bool:
    """Names of the ontology do; everyday wordings only what somebody can't do ("can't smell or taste")."""
    return entry.score > SPOKEN or (len(numbers) > 1 and sequence.words[numbers[0]].loose in _UNABLE)

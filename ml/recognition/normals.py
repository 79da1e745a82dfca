"""Finds what a text calls normal: "hearing and vision are normal", "normal gait", "afebrile", "power 5/5"."""

from collections.abc import Iterator

from ml.recognition.lexicon import Lexicon, LexiconMatch
from ml.recognition.normal_table import normal_key, read_normals
from ml.recognition.tokens import WordSequence

_FURTHEST = 7  # words between a function and what is said of it
_JOINING = frozenset({"and", "or"})
_POWER = frozenset({"power", "strength"})
Function = tuple[int, int, str]  # first and last word, name of what is denied


def normal_matches(sequence: WordSequence, lexicon: Lexicon) -> Iterator[LexiconMatch]:
    """Each finding denied so, over the words that deny it."""
    table, words = read_normals(), sequence.words
    for number, word in enumerate(words):
        if word.form in table.alone:
            yield from _denied(lexicon, number, number, table.alone[word.form])
        elif word.form in table.normal and not _is_denied(sequence, number):
            behind = _behind(sequence, number)
            for first, last, name in behind or _before(sequence, number):
                yield from _denied(lexicon, min(first, number), max(last, number), name)
        elif word.form == "5" and number > 1 and words[number - 1].form == "5":
            for first, _, name in _before(sequence, number - 1):
                if words[first].form in _POWER or words[number - 2].form in _POWER:
                    yield from _denied(lexicon, first, number, name)


def _denied(lexicon: Lexicon, first: int, last: int, name: str) -> Iterator[LexiconMatch]:
    entry = lexicon.entry(normal_key(name))
    if entry is not None:
        yield LexiconMatch(first, last, entry.term_id, entry.score, denied=True)


def _is_denied(sequence: WordSequence, number: int) -> bool:
    denying = read_normals().denying
    return any(
        n >= 0 and sequence.words[n].form in denying and number not in sequence.hard
        for n in (number - 1, number - 2)
    )


def _behind(sequence: WordSequence, number: int) -> list[Function]:
    """ "normal hearing and vision": what follows at once, and what is joined to it."""
    found: list[Function] = []
    at = number + 1
    while at < len(sequence.words) and at not in sequence.hard and (found or at not in sequence.soft):
        function = next((f for end in (at + 1, at) if (f := _ending_at(sequence, end)) and f[0] == at), None)
        if function is not None:
            found.append(function)
            at = function[1] + 1
        elif found and sequence.words[at].form in _JOINING:
            at += 1
        else:
            break
    return found


def _before(sequence: WordSequence, number: int) -> list[Function]:
    """ "hearing and vision are normal": what stands before, with nothing but copulas between."""
    table, found = read_normals(), list[Function]()
    at = number - 1
    while at >= max(0, number - _FURTHEST) and at + 1 not in sequence.hard:
        function = _ending_at(sequence, at)
        if function is not None:
            found.append(function)
            at = function[0] - 1
        elif sequence.words[at].form in (_JOINING if found else table.between):
            at -= 1
        else:
            break
    return found


def _ending_at(sequence: WordSequence, last: int) -> Function | None:
    words = sequence.words
    if last >= len(words):
        return None
    for forms, name in read_normals().functions.get(words[last].form, ()):
        first = last + 1 - len(forms)
        if first >= 0 and tuple(w.form for w in words[first : last + 1]) == forms:
            return first, last, name
    return None

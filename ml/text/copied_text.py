"""Copied-forward text: what a patient's later note repeats of her earlier ones is cut from the later."""

import re
from collections import defaultdict
from collections.abc import Sequence

_SENTENCE = re.compile(r"[^\n.!?;]+(?:[.!?;]+(?!\s)[^\n.!?;]+)*[.!?;]*")
_LEAST_COPIED = 25  # code points without blanks: a shorter passage is often said anew
_LATEST = 8  # notes from which a passage of several sentences is looked for


def without_copies(texts: Sequence[str]) -> list[str]:
    """Each passage once, by notes from oldest to newest.

    A passage is a sentence said before, or several that follow each other as they did in one of the
    LATEST notes, however short each is.
    """
    said, notes, kept = set[str](), _Notes(), list[str]()
    for text in texts:
        found = list(_SENTENCE.finditer(text))
        plain = ["".join(match.group().casefold().split()) for match in found]
        copied, told, end = notes.passages_of(plain), list[str](), 0
        for place, match in enumerate(found):
            again = len(plain[place]) >= _LEAST_COPIED and plain[place] in said
            said.add(plain[place])
            if again or place in copied:
                told.append(text[end : match.start()])
                end = match.end()
        notes.add(plain)
        kept.append("".join((*told, text[end:])))
    return kept


class _Notes:
    """Earlier notes, by their sentences without blanks."""

    def __init__(self) -> None:
        self._notes: list[list[str]] = []
        self._places: dict[str, dict[int, int]] = defaultdict(dict)  # of a sentence: its last place by note

    def add(self, plain: list[str]) -> None:
        for place, sentence in enumerate(plain):
            self._places[sentence][len(self._notes)] = place
        self._notes.append(plain)

    def passages_of(self, plain: list[str]) -> set[int]:
        """The places of what repeats a passage that is long enough."""
        copied, start = set[int](), 0
        while start < len(plain):
            run = range(start, start + self._longest(plain, start))
            if sum(len(plain[place]) for place in run) >= _LEAST_COPIED:
                copied.update(run)
                start = run.stop
            else:
                start += 1
        return copied

    def _longest(self, plain: list[str], start: int) -> int:
        """Of how many sentences from `start` on is the longest passage that one of the notes has, too."""
        first = self._places.get(plain[start], {})
        latest = range(max(0, len(self._notes) - _LATEST), len(self._notes))
        lengths = (_alike(plain, start, self._notes[n], first[n]) for n in latest if n in first)
        return max(lengths, default=0)


def _alike(one: list[str], start: int, other: list[str], place: int) -> int:
    """How many sentences are the same, from a place in each on."""
    most = min(len(one) - start, len(other) - place)
    return next((count for count in range(most) if one[start + count] != other[place + count]), most)

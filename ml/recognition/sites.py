"""Puts a complaint and a part of the body together: "my calf is very swollen", "pain going into the groin".

Only words that the table lists may stand between the two, so that a distant part is never drawn in. Parts
in a list share their complaint ("hands and feet are numb"), complaints in a list their part.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ml.recognition.lexicon import Lexicon, LexiconMatch
from ml.recognition.site_table import SiteTable, read_sites, site_key
from ml.recognition.tokens import WordSequence

_LONGEST_GAP = 9  # words
_MOST_PARTS = 5
_JOINING = frozenset({"and", "or", "nor"})
_DETERMINERS = frozenset({"a", "an", "any", "the", "open", "some", "another"})
_LATERAL = frozenset(
    ["a", "an", "the", "my", "his", "her", "your", "our", "their", "both", "left", "right", "upper", "lower"]
)
_COPULAS = frozenset(["is", "are", "was", "were", "be", "been", "it", "they"])


@dataclass(frozen=True, slots=True)
class SiteMatch:
    """A complaint (as the number of its word) at a part (numbers of its words, inclusive)."""

    match: LexiconMatch
    complaint: int
    part: tuple[int, int]

    @property
    def part_words(self) -> range:
        """Numbers of the part's words."""
        return range(self.part[0], self.part[1] + 1)


@dataclass(frozen=True, slots=True)
class _Place:
    first: int
    last: int
    name: str


def site_matches(sequence: WordSequence, lexicon: Lexicon, text: str) -> list[SiteMatch]:
    """Every complaint at every part it is said of, in reading order of the complaints."""
    return list(_Reader(sequence, text, read_sites()).matches(lexicon))


class _Reader:
    """One text's complaints and parts."""

    def __init__(self, sequence: WordSequence, text: str, table: SiteTable):
        self._text, self._sequence, self._table = text, sequence, table
        self._forms = [word.form for word in sequence.words]
        between = table.between
        self._qualities = between["qualities"]
        self._small = between["small"] | self._qualities
        self._linking = self._small | between["linking"]
        self._leading = self._linking | between["prepositions"] | between["moving"]
        self._needed = between["prepositions"]
        self._moving = between["moving"] - between["linking"] - {"is", "was"}
        self._denying = between["denying"]
        self._starts = {place.first: place for place in self._places()}
        self._ends = {place.last: place for place in self._starts.values()}
        self._held = {n for p in self._starts.values() for n in range(p.first, p.last + 1)}

    def matches(self, lexicon: Lexicon) -> Iterator[SiteMatch]:
        if not self._starts:
            return
        for number in range(len(self._forms)):
            for complaint, kinds in self._complaints(number):
                places, denied = self._places_of(number, kinds)
                for place in places:
                    entry = lexicon.entry(site_key(complaint, place.name))
                    if entry is not None:
                        first, last = min(number, place.first), max(number, place.last)
                        match = LexiconMatch(first, last, entry.term_id, entry.score, denied)
                        yield SiteMatch(match, number, (place.first, place.last))

    def _places(self) -> Iterator[_Place]:
        at = 0
        while at < len(self._forms):
            size, name = self._part_at(at)
            if size and not self._follows(at + size - 1, self._table.between["not_parts"]):
                yield _Place(at, at + size - 1, name)
            at += max(size, 1)

    def _part_at(self, at: int) -> tuple[int, str]:
        for forms, name in self._table.parts.get(self._forms[at], ()):
            inside = range(at + 1, at + len(forms))
            if tuple(self._forms[at : at + len(forms)]) == forms and not any(map(self._broken, inside)):
                return len(forms), name
        return 0, ""

    def _complaints(self, number: int) -> Sequence[tuple[str, frozenset[str]]]:
        """What a word complains of; one with two meanings is a noun after an article or in the plural."""
        found = self._table.complaints.get(self._forms[number], ())
        if not found or number in self._held or self._follows(number, self._table.between["not_complaints"]):
            return ()
        if len(found) == 1:
            return found
        word = self._sequence.words[number]
        plural = self._text[word.start : word.end].endswith("s")
        article = number > 0 and self._forms[number - 1] in _DETERMINERS
        noun = plural or (article and number + 1 not in self._starts)
        fitting = [(name, kinds) for name, kinds in found if ("noun" in kinds) == noun]
        return fitting[:1]

    def _places_of(self, number: int, kinds: Collection[str]) -> tuple[list[_Place], bool]:
        before = self._ends.get(number - 1) if not self._broken(number) else None
        after = self._after(number, adjective="adjective" in kinds)
        if before and "noun" in kinds:
            moved = after and any(self._forms[n] in self._moving for n in range(number + 1, after.first))
            return [
                *self._listed_before(before),
                *(self._listed_after(after) if after and moved else ()),
            ], False
        if after:
            led = any(self._forms[n] in self._needed for n in range(number + 1, after.first))
            return self._listed_after(after, led=led), False
        place, denied = (before, False) if before else self._before(number, kinds)
        return (self._listed_before(place) if place else []), denied

    def _after(self, number: int, *, adjective: bool) -> _Place | None:
        """The part behind a complaint: next to an adjective, or behind a preposition."""
        led = adjective
        plain = True  # nothing but small words and other complaints so far
        for at in range(number + 1, min(len(self._forms), number + 2 + _LONGEST_GAP)):
            if at in self._sequence.hard or (at in self._sequence.soft and not self._is_complaint(at)):
                return None
            place = self._starts.get(at)
            if place:
                return place if (led and plain) or not plain else None
            form = self._forms[at]
            if form in self._needed:
                plain = False
            elif form in _JOINING:
                if not self._is_complaint(at + 1):
                    return None
            elif self._is_complaint(at):
                if adjective and at == number + 1 and self._names(at) and not self._names(number):
                    return None  # "red sores on my nose": the adjective is the noun's
            elif form not in self._leading:
                return None
            elif form not in self._small:
                led = False
        return None

    def _before(self, number: int, kinds: Collection[str]) -> tuple[_Place | None, bool]:
        """The part in front of a complaint, and whether a denial stands between."""
        denied = claused = False
        comma = self._soft(number)
        if number and self._forms[number - 1] in ("a", "an"):
            return None, False  # "I have a dry cough"
        for at in range(number - 1, max(-1, number - 2 - _LONGEST_GAP), -1):
            if at + 1 in self._sequence.hard:
                return None, False
            comma = comma or self._soft(at + 1)
            place = self._ends.get(at)
            if place:
                return (None, False) if comma and "adjective" not in kinds else (place, denied)
            form = self._forms[at]
            if form in _JOINING and (claused or not self._is_listed(at - 1)):
                return None, False  # another clause, or another thing
            listed = form in _JOINING or self._is_complaint(at) or form in self._small
            claused = claused or not (listed or form in _COPULAS)
            if form in self._denying:
                denied = True
            elif not listed and (comma or form not in self._linking):
                return None, False
        return None, False

    def _listed_after(self, place: _Place, *, led: bool = True) -> list[_Place]:
        """The part and those behind it: "chest and left arm"; where `led`, "... moved to the groin" too."""
        found = [place]
        while len(found) < _MOST_PARTS:
            following = self._next_part(found[-1].last + 1, led=led)
            if following is None or self._has_own_complaint(following):
                break
            found.append(following)
        return found

    def _next_part(self, begin: int, *, led: bool) -> _Place | None:
        joined = False
        for at in range(begin, min(len(self._forms), begin + _LONGEST_GAP)):
            if at in self._sequence.hard:
                return None
            joined = joined or at in self._sequence.soft
            form = self._forms[at]
            if at in self._starts:
                return self._starts[at] if joined else None
            if form in _JOINING or (led and (form in self._moving or form in self._needed)):
                joined = True
            elif form not in self._leading:
                return None
        return None

    def _listed_before(self, place: _Place) -> list[_Place]:
        found = [place]
        while len(found) < _MOST_PARTS:
            earlier = self._part_before(found[0])
            if earlier is None or self._is_led(earlier):
                break
            found.insert(0, earlier)
        return found

    def _part_before(self, place: _Place) -> _Place | None:
        joined = self._soft(place.first)
        for at in range(place.first - 1, max(-1, place.first - 6), -1):
            if at + 1 in self._sequence.hard:
                return None
            if at in self._ends:
                return self._ends[at] if joined else None
            joined = joined or self._soft(at)
            if self._forms[at] in _JOINING:
                joined = True
            elif self._forms[at] not in _LATERAL:
                return None
        return None

    def _has_own_complaint(self, place: _Place) -> bool:
        at = place.last + 1
        while at < len(self._forms) and at not in self._sequence.hard and self._forms[at] in self._linking:
            at += 1
        return self._is_complaint(at) and at not in self._sequence.hard and at not in self._sequence.soft

    def _is_led(self, place: _Place) -> bool:
        """Whether something in front of the part speaks of it: "swelling of the knee", "weak on my feet"."""
        at = place.first - 1
        while at >= 0 and at + 1 not in self._sequence.hard and self._forms[at] in _LATERAL:
            at -= 1
        if at >= 0 and self._forms[at] in self._needed:
            return True
        while at >= 0 and at + 1 not in self._sequence.hard and self._forms[at] in self._leading:
            at -= 1
        return at + 1 not in self._sequence.hard and self._is_complaint(at)

    def _is_listed(self, number: int) -> bool:
        """Whether a word is a complaint, or a quality said beside one: "red, hot and swollen"."""
        return self._is_complaint(number) or (number >= 0 and self._forms[number] in self._qualities)

    def _names(self, number: int) -> bool:
        """Whether a word can be a noun."""
        return any("noun" in kinds for _, kinds in self._table.complaints[self._forms[number]])

    def _is_complaint(self, number: int) -> bool:
        inside = 0 <= number < len(self._forms) and number not in self._held
        return inside and self._forms[number] in self._table.complaints

    def _follows(self, number: int, words: Collection[str]) -> bool:
        after = number + 1
        return after < len(self._forms) and self._forms[after] in words and not self._broken(after)

    def _soft(self, number: int) -> bool:
        return number in self._sequence.soft

    def _broken(self, number: int) -> bool:
        return number in self._sequence.hard or number in self._sequence.soft

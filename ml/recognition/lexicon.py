"""Names and synonyms of terms as sets of word forms, matched longest first.

A name matches where its words stand together in any order, with little words ("of the") between
them: "abnormality of the nose" and "nose abnormality" are one. Single short words and words that
mean too much in ordinary text are left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ml.recognition.tokens import Word, form_of, words_of

_LITTLE = "a an the of in on at to with by for and or as from"
_MODIFIERS = """
    all normal increased decreased frequency onset mild severe moderate acute chronic left right bilateral
    unilateral recurrent progressive localized generalized variable male female mode refractory position
    central distal proximal peripheral focal diffuse triggered first second episodic profound borderline
    stable transient persistent sudden slow rapid early late adult infantile juvenile congenital antenatal
    neonatal childhood
"""
_ORDINARY = "fit cold abnormal pain death sleep weight height age hand foot eye ear nose mouth falls"
LITTLE_WORDS = frozenset(form_of(word) for word in _LITTLE.split())
MODIFIERS = frozenset(form_of(word) for word in _MODIFIERS.split())
TOO_COMMON = MODIFIERS | frozenset(form_of(word) for word in _ORDINARY.split())
LONGEST_NAME = 12


@dataclass(frozen=True, slots=True)
class LexiconMatch:
    """Words `first` to `last` (inclusive, as numbers of words) name a term."""

    first: int
    last: int
    term_id: str
    score: float


class Lexicon:
    """Finds the names of terms in words."""

    def __init__(self, names: dict[tuple[str, ...], tuple[str, float]]):
        self._names = names
        self._anywhere = frozenset(form for key in names for form in key)
        self._longest = max((len(key) for key in names), default=0)

    @classmethod
    def build(cls, entries: Iterable[tuple[str, Sequence[str]]]) -> "Lexicon":
        """From (term id, names); the first name is the preferred one and wins over synonyms."""
        names: dict[tuple[str, ...], tuple[str, float]] = {}
        for term_id, spelled in entries:
            for rank, name in enumerate(spelled):
                key = _key(name)
                score = 1.0 if rank == 0 else 0.9
                if _usable(key, name) and names.get(key, ("", 0.0))[1] < score:
                    names[key] = (term_id, score)
        return cls(names)

    def __len__(self) -> int:
        return len(self._names)

    def matches(self, words: Sequence[Word], breaks: frozenset[int] = frozenset()) -> list[LexiconMatch]:
        """Matches from left to right, the longest at each place; none crosses a break.

        `breaks` holds the numbers of words that begin a new clause or line.
        """
        found: list[LexiconMatch] = []
        at = 0
        while at < len(words):
            match = self._longest_at(words, at, breaks)
            if match is None:
                at += 1
            else:
                found.append(match)
                at = match.last + 1
        return found

    def _longest_at(self, words: Sequence[Word], at: int, breaks: frozenset[int]) -> LexiconMatch | None:
        if words[at].form not in self._anywhere:
            return None
        forms: list[str] = []
        best: LexiconMatch | None = None
        for last in range(at, min(len(words), at + 2 * self._longest)):
            form = words[last].form
            if last > at and last in breaks:
                break
            if form in LITTLE_WORDS:
                continue
            if form not in self._anywhere:
                break
            forms.append(form)
            if len(forms) > self._longest:
                break
            entry = self._names.get(tuple(sorted(forms)))
            if entry is not None:
                best = LexiconMatch(at, last, *entry)
        return best


def _key(name: str) -> tuple[str, ...]:
    return tuple(sorted(w.form for w in words_of(name) if w.form not in LITTLE_WORDS))


def _usable(key: tuple[str, ...], name: str) -> bool:
    if not key or len(key) > LONGEST_NAME:
        return False
    if len(key) == 1:
        is_abbreviation = len(key[0]) < 4
        return not is_abbreviation and key[0] not in TOO_COMMON and not key[0].isdigit()
    return not all(form in MODIFIERS or form.isdigit() for form in key)

"""Names and synonyms of terms as bags of word forms, matched longest first.

A name matches where its words stand together in any order, with little words ("of the") between
them: "abnormality of the nose" and "nose abnormality" are one. Inflected forms are tried before
near synonyms (Word.loose). Words on both sides of "and", a comma or "with" belong to one name only
if the name itself is written so. Abbreviations match in capitals only.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ml.recognition.measures import read_measures, test_key
from ml.recognition.normal_table import normal_key, read_normals
from ml.recognition.site_table import read_sites, site_key
from ml.recognition.supplement import Supplement, read_supplement
from ml.recognition.tokens import Word, WordSequence, form_of, word_sequence
from ml.recognition.wordings import Wording, read_wordings

_LITTLE = """
    a an the of in on at to as his her their both my your our its it it's me you he she we they them him
    very really quite rather extremely
"""
_JOINING = "and or nor with by for from versus"
_MODIFIERS = """
    all normal increased decreased frequency onset mild severe moderate acute chronic left right bilateral
    unilateral recurrent progressive localized generalized variable male female mode refractory position
    central distal proximal peripheral focal diffuse triggered first second episodic profound borderline
    stable transient persistent sudden slow rapid early late adult infantile juvenile congenital antenatal
    neonatal childhood
"""
_PASSED = """
    is are was were be been being am has have had having ive too so just also now still all always constantly
    often bit little getting get got gone go going become becoming became turn turned turning look looks feel
    feels feeling felt seem seems i i'm i've they're he's she's this that these those there left right side
    completely totally almost absolutely some any more much
"""
_DENYING = "not isn't aren't wasn't weren't never don't doesn't didn't hasn't haven't won't n't neither"
LITTLE_WORDS = frozenset(form_of(word) for word in _LITTLE.split())
JOINING_WORDS = frozenset(form_of(word) for word in _JOINING.split())
_EMPTY = LITTLE_WORDS | JOINING_WORDS
_MODIFYING = frozenset(form_of(word) for word in _MODIFIERS.split())
_PASSED_OVER = frozenset(form_of(word) for word in _PASSED.split())
_DENIALS = frozenset(form_of(word) for word in _DENYING.split())
_AUXILIARIES = frozenset(form_of(word) for word in ["do", "does", "did"])
_COPULAS = frozenset(
    form_of(word) for word in ["is", "are", "was", "were", "be", "been", "being", "got", "going", "getting"]
)
_SILENT = frozenset({"morphology"})  # "abnormal heart morphology" is said as "abnormal heart"
SPOKEN = 0.7  # score of our own wordings; the ontology's own names have more, also where they fit loosely
LONGEST_NAME = 12
_LONGEST_SPAN = 16
_MOST_PASSED = 5

Key = str  # the forms of a bag in alphabetical order, joined by blanks


class Entry(NamedTuple):
    """What a bag of words names; `joined` where the name itself has an "and" or a comma."""

    term_id: str
    score: float
    joined: bool


@dataclass(frozen=True, slots=True)
class LexiconMatch:
    """Words `first` to `last` (inclusive, as numbers of words) name a term.

    `denied` where a "not" or a value among them says so.
    """

    first: int
    last: int
    term_id: str
    score: float
    denied: bool = False
    measured: bool = False  # a value says whether it is there: no word before it does


class Lexicon:
    """Finds the names of terms in words."""

    def __init__(self, names: dict[Key, Entry], loose: dict[Key, Entry], capitals: dict[str, Entry]):
        self._names = names
        self._loose = loose
        self._capitals = capitals
        self._adjectives = read_supplement().adjectives
        self._forms = frozenset(" ".join(names).split(" "))
        self._loose_forms = frozenset(" ".join(loose).split(" "))
        self._longest = max((key.count(" ") + 1 for key in names), default=0)

    @classmethod
    def build(
        cls, entries: Iterable[tuple[str, Sequence[str]]], tests: Mapping[tuple[str, str], str] | None = None
    ) -> "Lexicon":
        """From (term id, names): the first name is preferred; general terms come before special ones.

        `tests`: the term id of each laboratory test's side, by (name of the test, `LOW` or `HIGH`).
        """
        return _Builder(read_supplement()).lexicon(entries, tests or {})

    def __len__(self) -> int:
        return len(self._names)

    def tables(self) -> tuple[dict[Key, Entry], dict[Key, Entry], dict[str, Entry]]:
        """Names by inflected form, by loose form, and abbreviations: what a copy is made from."""
        return self._names, self._loose, self._capitals

    def matches(
        self, sequence: WordSequence, text: str = "", *, split: frozenset[int] = frozenset()
    ) -> list[LexiconMatch]:
        """Matches from left to right, the longest at each place. `text` is needed for abbreviations.

        A coordination that ends at a word of `split` has been spelled out: no name spans it.
        """
        found: list[LexiconMatch] = []
        at = 0
        while at < len(sequence.words):
            match = self._longest_at(sequence, at, split) or self._abbreviation(sequence.words[at], at, text)
            found.extend([match] if match else [])
            at = match.last + 1 if match else at + 1
        return found

    def named(self, words: Sequence[Word]) -> Entry | None:
        """What a bag of content words names, if anything."""
        entry = self._names.get(_bag(word.form for word in words))
        return entry or self._loose.get(_bag(word.loose for word in words))

    def knows(self, word: Word) -> bool:
        """Whether a word stands in any name."""
        return word.form in self._forms or word.loose in self._loose_forms

    def entry(self, key: Key) -> Entry | None:
        """What stands under a key that is no words of a text."""
        return self._names.get(key)

    def _longest_at(self, sequence: WordSequence, at: int, split: frozenset[int]) -> LexiconMatch | None:
        """The longest name that begins at a word: as written, else with what may be passed over left out."""
        words = sequence.words
        if words[at].form in _EMPTY or not self.knows(words[at]):
            return None
        bag: list[Word] = []
        lean: list[Word] = []  # without what may be passed over
        held: list[Word] = []  # the same with "not"
        passed = 0
        joined = denied = False
        best: LexiconMatch | None = None
        for last in range(at, min(len(words), at + _LONGEST_SPAN)):
            word = words[last]
            if last > at and last in sequence.hard and last not in sequence.inner:
                break
            joined = joined or (last > at and _joins(sequence, last)) or word.form in JOINING_WORDS
            if word.form in _EMPTY:
                continue
            denies = word.form in _DENIALS
            skipped = denies or word.form in _PASSED_OVER or _is_auxiliary(words, last)
            passed, denied = passed + skipped, denied or denies
            bag.append(word)
            if denies or not skipped:
                held.append(word)
            if not skipped:
                lean.append(word)
            if (not skipped and not self.knows(word)) or passed > _MOST_PASSED or len(lean) > self._longest:
                break
            entry, refused = self._fitting(bag), False
            whole = entry is not None
            if not whole and passed and not skipped and (words[at].form in _DENIALS or lean[0] is words[at]):
                entry = self._fitting(held) if denied else None
                if entry is None and lean[0] is words[at]:
                    entry, refused = self._fitting(lean), denied
            if entry is None or (not whole and _begins_anew(words, last)):
                continue
            if not joined or (entry.joined and last not in split):
                best = LexiconMatch(at, last, entry.term_id, entry.score, refused)
        return best

    def _fitting(self, bag: Sequence[Word]) -> Entry | None:
        if len(bag) == 1:
            return self._names.get(bag[0].form) or self._loose.get(bag[0].loose)
        entry = self._names.get(_bag([word.form for word in bag]))
        if entry is None and not (bag[1:] and bag[-1].form in self._adjectives):
            entry = self._loose.get(_bag([word.loose for word in bag]))
        return entry

    def _abbreviation(self, word: Word, at: int, text: str) -> LexiconMatch | None:
        short = text[word.start : word.end]
        entry = self._capitals.get(short)
        if entry is None or _has_rival(short, text):
            return None
        return LexiconMatch(at, at, entry.term_id, entry.score)


class _Builder:
    """Collects names; where several terms share one, the preferred name wins, then the first term."""

    def __init__(self, supplement: Supplement) -> None:
        self._supplement = supplement
        self._common = _MODIFYING | {form_of(name) for name in supplement.blocked if name.islower()}
        self._names: dict[Key, Entry] = {}
        self._loose: dict[Key, Entry] = {}
        self._capitals: dict[str, set[str]] = {}

    def lexicon(
        self, entries: Iterable[tuple[str, Sequence[str]]], tests: Mapping[tuple[str, str], str]
    ) -> Lexicon:
        by_name: dict[str, str] = {}
        for term_id, spelled in entries:
            for rank, name in enumerate(spelled):
                self._add(name, term_id, 1.0 if rank == 0 else 0.9)
                by_name.setdefault(name.casefold(), term_id)
        for name, wording in read_wordings():
            if name.casefold() in by_name:
                self._say(wording, by_name[name.casefold()])
        keys = {site_key(*place): name for place, name in read_sites().terms.items()}
        keys |= {normal_key(name): name for name in read_normals().names}
        keys |= {short_key(short): name for short, name in self._supplement.shorthand.items()}
        for key, name in (*keys.items(), *read_measures().names.items()):
            if name.casefold() in by_name:
                self._names[key] = Entry(by_name[name.casefold()], SPOKEN, False)
        for (test, side), term_id in tests.items():
            self._names[test_key(test, side)] = Entry(term_id, SPOKEN, False)
        for short, name in self._supplement.abbreviations.items():
            if name.casefold() in by_name:
                self._capitals.setdefault(short, set()).add(by_name[name.casefold()])
        return Lexicon(self._names, self._loose, self._unambiguous())

    def _add(self, name: str, term_id: str, score: float) -> None:
        if _is_abbreviation(name):
            if name not in self._supplement.blocked:
                self._capitals.setdefault(name, set()).add(term_id)
            return
        content, joined = _content(name)
        key = _bag(word.form for word in content)
        if not self._usable(key):
            return
        _put(self._names, key, Entry(term_id, score, joined))
        _put(self._loose, _bag(word.loose for word in content), Entry(term_id, score * 0.85, joined))
        spoken = [word for word in content if word.form not in _SILENT]
        if 1 < len(spoken) < len(content):
            _put(self._loose, _bag(word.loose for word in spoken), Entry(term_id, score * 0.8, joined))

    def _say(self, wording: Wording, term_id: str) -> None:
        """One of our own wordings: it stands against a synonym of the ontology, not against a name."""
        if _is_abbreviation(wording.text):
            self._capitals.setdefault(wording.text, set()).add(term_id)
            return
        content, joined = _content(wording.text)
        key = _bag(word.form for word in content)
        if not self._usable(key):
            return
        known = self._names.get(key)
        if known is None or known.score < 1:
            self._names[key] = Entry(term_id, SPOKEN, joined or (known is not None and known.joined))
        loose = _bag(word.loose for word in content)
        fitting = self._loose.get(loose)
        if not wording.exact and (fitting is None or fitting.score <= SPOKEN):
            self._loose[loose] = Entry(term_id, SPOKEN * 0.85, joined)

    def _usable(self, key: Key) -> bool:
        forms = key.split(" ")
        if not key or len(forms) > LONGEST_NAME:
            return False
        if len(forms) == 1:
            word = key
            return len(word) > 3 and not word.isdigit() and word not in self._common
        return not all(form in _MODIFYING or form.isdigit() for form in forms)

    def _unambiguous(self) -> dict[str, Entry]:
        return {
            short: Entry(next(iter(terms)), 0.8, False)
            for short, terms in self._capitals.items()
            if len(terms) == 1
        }


def short_key(short: str) -> Key:
    """Under which a lexicon holds the finding of a letter in "n/v": no words of a text are such forms."""
    return f"@short-{short}"


def _content(name: str) -> tuple[list[Word], bool]:
    """The words of a name less the little ones, and whether it has an "and" or a comma itself."""
    sequence = word_sequence(name)
    joining = any(word.form in JOINING_WORDS for word in sequence.words)
    content = [word for word in sequence.words if word.form not in _EMPTY]
    return content, joining or bool(sequence.soft or sequence.inner)


def _bag(forms: Iterable[str]) -> Key:
    return " ".join(sorted(forms))


def _put(table: dict[Key, Entry], key: Key, entry: Entry) -> None:
    known = table.get(key)
    if known is None or known.score < entry.score:
        table[key] = entry


def _is_auxiliary(words: Sequence[Word], number: int) -> bool:
    """The "does" of "does not fade"."""
    after = number + 1
    return words[number].form in _AUXILIARIES and after < len(words) and words[after].form in _DENIALS


def _has_rival(short: str, text: str) -> bool:
    """Whether a text speaks of something else that has the same abbreviation."""
    rivals = read_supplement().rivals.get(short, ())
    return bool(rivals) and any(rival in text.casefold() for rival in rivals)


def _begins_anew(words: Sequence[Word], last: int) -> bool:
    """Whether a word goes with what follows: "my foot, so the big (toe)", "nails have small (dents)".

    Nor is "the pain is back" a pain in the back.
    """
    word, before, earlier = words[last].form, words[last - 1].form, words[last - 2].form if last > 1 else ""
    if before in ("have", "has", "had"):
        return not word.endswith(("ed", "en"))
    if before in ("the", "a", "an", "my", "your", "his", "her"):
        return earlier in _PASSED_OVER
    return word == "back" and before in _COPULAS


def _joins(sequence: WordSequence, number: int) -> bool:
    """Whether only names that are written so reach across what stands before a word.

    A comma before a last modifier is none of these: "scoliosis, progressive".
    """
    if number not in sequence.soft:
        return number in sequence.hard
    after = number + 1
    ends = after == len(sequence.words) or after in sequence.hard or after in sequence.soft
    closing = ends or sequence.words[after].form in JOINING_WORDS
    return not (closing and sequence.words[number].form in _MODIFYING)


def _is_abbreviation(name: str) -> bool:
    """Three letters or more in one word, at least two of them capitals."""
    return len(name) > 2 and name.isalnum() and sum(c.isupper() for c in name) > 1

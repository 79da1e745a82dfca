"""Reads measured values: "temperature 39.2", "BP 84/50", "Hb 7.9 g/dL", "gained 8 kg".

The words before a number say what was measured; what stands behind it, in what unit. A value that no unit
makes plausible, a goal ("BP < 130/80") and a dose are no measurement. Limits for adults are not
applied to a child; where the age is not known, the text is asked for one, or whether it speaks of a child.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cache

from ml.recognition.lexicon import Lexicon, LexiconMatch
from ml.recognition.measures import Measure, read_measures
from ml.recognition.tokens import WordSequence

_ADULT_YEARS = 16
_YEAR_DAYS = 365.25
_NUMBER = re.compile(r"\d{1,6}(?:[.,]\d{1,3})?(?![\d.]\d)")
_PAIR = re.compile(r"(\d{2,3})\s?(?:/|over)\s?(\d{2,3})(?![\d/])")
_UNIT = re.compile(
    r"\s?-?\s?(°|degrees?|deg)?\s?((?:x\s?)?[A-Za-zµμ%][A-Za-z0-9µμ%^]*(?:/[A-Za-z0-9]+)?|/[a-zA-Zµμ]+)?"
)
_OPEN = re.compile(r"[.;!?<>≤≥\n]|\s-\s?$|[/+]$")
_RUNS_ON = re.compile(r"/\d|\+|-\d|\s?(?:to|or)\s\d{1,2}\b(?!\d)|\s?times\b|\s?x\b")
_AGE = re.compile(
    r"\b(\d{1,3})[\s-]*(years?|yrs?|y|months?|mos?|weeks?|days?)[\s-]*(?:/?o\b|old\b|of age\b)"
    r"|\baged?\s+(\d{1,3})\b(?!\s*(?:months|weeks|days))",
    re.IGNORECASE,
)
_CHILD = re.compile(
    r"\b(?:newborn|neonate|infant|baby|toddler|child|boy|girl|paediatric|pediatric)\b", re.IGNORECASE
)
_NUMBER_WORDS = (
    "a|an|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|several|many|some"
    "|few|a few|half a"
)
_AMOUNT = (
    r"(?:(?:about|around|over|nearly|almost|at least|another|roughly|approximately|up to|more than)\s+)?"
    rf"(?:\d{{1,3}}(?:[.,]\d)?(?:\s?(?:-|–|to)\s?\d{{1,3}})?|{_NUMBER_WORDS})"
)
_MASS = r"(?:kgs?|kilos?|kilograms?|lbs?|pounds?|stones?)"


def measured_matches(
    sequence: WordSequence, lexicon: Lexicon, text: str, *, age_days: int | None = None
) -> list[LexiconMatch]:
    """Findings that values give, or exclude (`denied`), in reading order."""
    return [*_values(sequence, lexicon, text, age_days), *_shaped(sequence, lexicon, text)]


def is_child(text: str, age_days: int | None = None) -> bool:
    """Whether the patient is under 16 years; where no age is known, whether the text suggests it."""
    if age_days is not None:
        return age_days < _ADULT_YEARS * _YEAR_DAYS
    ages = list(_AGE.finditer(text))
    years = [int(m[3] or m[1]) for m in ages if m[3] or m[2].lower().startswith("y")]
    return years[0] < _ADULT_YEARS if years else bool(ages) or _CHILD.search(text) is not None


def _values(
    sequence: WordSequence, lexicon: Lexicon, text: str, age_days: int | None
) -> Iterator[LexiconMatch]:
    words = sequence.words
    age = ""
    for number, word in enumerate(words):
        if not text[word.start].isdigit():
            continue
        first, measures = _named(sequence, text, number)
        if not measures:
            continue
        age = age or ("child" if is_child(text, age_days) else "adult")
        for measure in measures:
            if measure.ages in ("", age):
                yield from _found(measure, lexicon, text, (sequence, first, number))


def _named(sequence: WordSequence, text: str, number: int) -> tuple[int, Sequence[Measure]]:
    """The first word of what a number measures, with its measures."""
    words, table = sequence.words, read_measures()
    for at in range(number - 1, max(-1, number - 6), -1):
        if _OPEN.search(text, words[at].end, words[at + 1].start):
            break
        shown = text[words[at].start : words[at].end]
        if shown in table.capitals and at == number - 1 and not _follows_letters(text, words[at].start):
            return at, table.capitals[shown]
        for forms, measures in table.called.get(words[at].form, ()):
            first = at + 1 - len(forms)
            if first >= 0 and tuple(w.form for w in words[first : at + 1]) == forms:
                return first, measures
        if words[at].form not in table.between:
            break
    return number, ()


def _follows_letters(text: str, place: int) -> bool:
    """Whether a single capital belongs to the word before it: "vitamin K", "hepatitis B"."""
    return re.search(r"[a-z]{3}\s$", text[max(0, place - 4) : place]) is not None


def _found(
    measure: Measure, lexicon: Lexicon, text: str, where: tuple[WordSequence, int, int]
) -> Iterator[LexiconMatch]:
    sequence, first, number = where
    start = sequence.words[number].start
    read = _pair(text, start, measure) if measure.place else _single(text, start, measure)
    if read is None:
        return
    value, end = read
    last = bisect_left(sequence.words, end, key=lambda w: w.start) - 1
    for band in measure.bands:
        entry = lexicon.entry(band.key) if band.start <= value < band.end else None
        if entry is not None:
            yield LexiconMatch(first, last, entry.term_id, entry.score, band.excludes, measured=True)


def _pair(text: str, start: int, measure: Measure) -> tuple[float, int] | None:
    match = _PAIR.match(text, start)
    if match is None:
        return _single(text, start, measure) if measure.place == 1 else None
    value = measure.in_first_unit(float(match[measure.place]), "")
    return None if value is None or int(match[1]) <= int(match[2]) else (value, match.end())


def _single(text: str, start: int, measure: Measure) -> tuple[float, int] | None:
    match = _NUMBER.match(text, start)
    if match is None or (measure.whole and not match[0].isdigit()):
        return None
    end = match.end()
    if measure.out_of and text.startswith(f"/{measure.out_of}", end):
        end += 1 + len(str(measure.out_of))
    unit_at = _UNIT.match(text, end)
    unit = (unit_at[2] or "").casefold().replace(" ", "").replace("μ", "µ") if unit_at else ""
    known = next((name for name in (unit, unit.rstrip("s"), unit[:1]) if name in measure.units), "")
    if len(unit) > 3 and known == unit[:1] and unit not in ("celsius", "fahrenheit", "centigrade"):
        known = ""
    if not known and (unit.split("/")[0] in read_measures().other_units or _RUNS_ON.match(text, end)):
        return None
    value = measure.in_first_unit(
        float(match[0].replace(",", "." if len(match[0].split(",")[-1]) < 3 else "")), known
    )
    return (
        None if value is None else (value, unit_at.end(2) if unit_at and known and "/" not in known else end)
    )


@cache
def _shapes_compiled() -> tuple[re.Pattern[str], tuple[tuple[re.Pattern[str], str], ...]]:
    """A pattern of all shapes, and each with its key."""
    shapes = [
        (shape.replace("{amount}", _AMOUNT).replace("{mass}", _MASS), key)
        for shape, key in read_measures().shapes
    ]
    either = re.compile("|".join(shape for shape, _ in shapes), re.IGNORECASE)
    return either, tuple((re.compile(shape, re.IGNORECASE), key) for shape, key in shapes)


def _shaped(sequence: WordSequence, lexicon: Lexicon, text: str) -> Iterator[LexiconMatch]:
    either, shapes = _shapes_compiled()
    if either.search(text) is None:
        return
    for pattern, key in shapes:
        entry = lexicon.entry(key)
        for match in pattern.finditer(text) if entry else ():
            first = bisect_right(sequence.words, match.start(), key=lambda w: w.start) - 1
            last = bisect_left(sequence.words, match.end(), key=lambda w: w.start) - 1
            if entry is not None:
                yield LexiconMatch(first, last, entry.term_id, entry.score)

"""What measured values mean: vital signs, laboratory values (resources/recognition/measurements.toml)."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ml.recognition.tokens import form_of

Forms = tuple[str, ...]
Key = str
LOW, HIGH = "@low", "@high"
_ENDLESS = float("inf")


@dataclass(frozen=True, slots=True)
class Band:
    """Values at or above `start` and under `end`: the key of the term they find, or exclude."""

    start: float
    end: float
    key: Key
    excludes: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is measured. `units` by name: (factor, offset) to that of the bands."""

    units: Mapping[str, tuple[float, float]]
    plausible: tuple[float, float]
    bands: tuple[Band, ...]
    ages: str  # "adult", "child" or "": any
    place: int  # of the number in "120/80": 1 or 2; 0 where there is but one
    whole: bool
    out_of: int

    def in_first_unit(self, value: float, unit: str) -> float | None:
        """A value in the unit of the bands; without a unit, in the first that makes it plausible."""
        if unit and unit not in self.units:
            return None
        candidates = [self.units[unit]] if unit else [*self.units.values()] or [(1.0, 0.0)]
        for factor, offset in candidates:
            converted = value * factor + offset
            if self.plausible[0] <= converted <= self.plausible[1]:
                return converted
        return None


@dataclass(frozen=True, slots=True)
class MeasureTable:
    """Measures by the last form of what they are called, longest first; phrases in capitals alike."""

    called: Mapping[str, tuple[tuple[Forms, tuple[Measure, ...]], ...]]
    capitals: Mapping[str, tuple[Measure, ...]]
    shapes: tuple[tuple[str, Key], ...]  # with the key of the term
    between: frozenset[str]  # forms that may stand between a measure and its value
    other_units: frozenset[str]  # behind a number of something else
    names: Mapping[Key, str]  # the ontology's name of each key that is no laboratory test's


@cache
def read_measures() -> MeasureTable:
    """The table that ships with the program; read once."""
    data = tomllib.loads(files("resources").joinpath("recognition", "measurements.toml").read_text("utf-8"))
    called: dict[Forms, list[Measure]] = {}
    capitals: dict[str, list[Measure]] = {}
    for row in data["measure"]:
        measure = _measure(row)
        for words in row["words"]:
            called.setdefault(tuple(map(form_of, words.split())), []).append(measure)
        for sign in row.get("capitals", ()):
            capitals.setdefault(sign, []).append(measure)
    last: dict[str, list[tuple[Forms, tuple[Measure, ...]]]] = {}
    for forms, measures in sorted(called.items(), key=lambda item: -len(item[0])):
        last.setdefault(forms[-1], []).append((forms, tuple(measures)))
    return MeasureTable(
        called={form: tuple(found) for form, found in last.items()},
        capitals={sign: tuple(found) for sign, found in capitals.items()},
        shapes=tuple((row["shape"], _key(row["finds"])) for row in data["shape"]),
        between=frozenset(map(form_of, data["between"].split())),
        other_units=frozenset(data["other_units"].split()),
        names={_key(name): name for name in _names(data)},
    )


def test_key(test: str, side: str) -> Key:
    """Under which a lexicon holds the term of a laboratory test's `LOW` or `HIGH` side."""
    return " ".join(sorted((side, f"@{test.replace(' ', '-')}")))


def _key(name: str) -> Key:
    return f"@{name.casefold().replace(' ', '-')}"


def _measure(row: Mapping[str, Any]) -> Measure:
    return Measure(
        units={name: (factor, offset) for name, (factor, offset) in row["units"].items()},
        plausible=(row["plausible"][0], row["plausible"][1]),
        bands=tuple(_bands(row)),
        ages=row.get("ages", ""),
        place=row.get("place", 0),
        whole=row.get("whole", False),
        out_of=row.get("out_of", 0),
    )


def _bands(row: Mapping[str, Any]) -> Iterator[Band]:
    if "low" in row:
        yield Band(-_ENDLESS, row["low"], test_key(row["test"], LOW), False)
    if "high" in row:
        yield Band(row["high"] + 1e-9, _ENDLESS, test_key(row["test"], HIGH), False)
    for band in row.get("bands", ()):
        name = band.get("finds") or band["excludes"]
        yield Band(band.get("from", -_ENDLESS), band.get("below", _ENDLESS), _key(name), "excludes" in band)


def _names(data: Mapping[str, Any]) -> Sequence[str]:
    bands = [band for row in data["measure"] for band in row.get("bands", ())]
    return [b.get("finds") or b["excludes"] for b in bands] + [row["finds"] for row in data["shape"]]

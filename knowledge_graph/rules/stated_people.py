"""Whom a disease is stated to affect, as constraints: a pack's sex and ages, and HPO's onsets.

A pack's ages have soft borders: what is taken from a disease grows with the square of how far outside them
a patient is. HPO's onset says when a disease begins, not whom it affects later. So it bears on patients
younger than that alone, and a hereditary disease that is found late keeps its place.
"""

from collections.abc import Iterator
from math import log2

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.held import Held
from knowledge_graph.rules.rule import LOG_FACTOR, Effect
from knowledge_graph.sources.knowledge_pack import OLDEST_YEARS, PackDisease
from knowledge_graph.terms.onset import YEAR_DAYS

LEAST = 0.05  # natural log units: less is not worth a line
_HALF_AS_OLD = 3.0  # taken at half the youngest age; at a quarter four times as much
_ONE_WIDTH = 1.5  # taken one width beyond the oldest age; at two widths four times as much
_WIDEST_YEARS = 5.0
_WIDENED_YEARS = 20.0
_PEOPLE = {Sex.FEMALE: "girls and women", Sex.MALE: "boys and men"}


def of_sexes(graph: CompiledGraph, sex: Sex) -> Iterator[Held]:
    """Diseases that a pack states for the other sex alone. An unknown sex takes nothing."""
    if sex not in _PEOPLE:
        return
    factor = LOG_FACTOR[Effect.LOWER_FAR]
    for disease_id, said in graph.facts.items():
        if said.sex in _PEOPLE and said.sex is not sex and not said.other_sex_too:
            title = f"{said.name} is a disease of {_PEOPLE[said.sex]}"
            disease = (graph.disease_index[disease_id],)
            yield Held(f"sex:{disease_id}", title, Effect.LOWER_FAR, said.source, factor, disease)


def of_ages(graph: CompiledGraph, age_days: int) -> Iterator[Held]:
    """Diseases that packs state for other ages than the patient's."""
    for disease_id, said in graph.facts.items():
        ages = possible_ages(said)
        factor = 0.0 if ages is None else outside(age_days / YEAR_DAYS, ages)
        if ages is not None and factor < -LEAST:
            title = f"{said.name} is seen {_span(ages)}, by an expert's estimate"
            disease = (graph.disease_index[disease_id],)
            yield Held(f"ages:{disease_id}", title, Effect.LOWER, said.source, factor, disease)


def possible_ages(said: PackDisease) -> tuple[float, float] | None:
    """Between which ages (years) the disease is seen at all: as stated, or the usual ages widened."""
    if said.possible_ages is not None or said.ages is None:
        return said.possible_ages
    youngest, oldest = said.ages
    return youngest / 2, min(oldest + min(oldest, _WIDENED_YEARS), OLDEST_YEARS)


def outside(age_years: float, ages: tuple[float, float]) -> float:
    """What an age outside these takes from a disease's log odds: 0 within, falling to a millionth."""
    youngest, oldest = ages
    taken = 0.0
    if age_years < youngest:
        taken = _HALF_AS_OLD * log2(youngest / max(age_years, 1 / YEAR_DAYS)) ** 2
    last = oldest + 1 if oldest >= 1 else oldest  # "6 years" lasts until the seventh birthday
    if age_years > last:
        taken = _ONE_WIDTH * ((age_years - last) / min(oldest / 2, _WIDEST_YEARS)) ** 2
    return max(-taken, LOG_FACTOR[Effect.EXCLUDE])


def of_onsets(graph: CompiledGraph, *, age_days: int, shown_as: npt.NDArray[np.intp]) -> Iterator[Held]:
    """Diseases that begin long after the patient's age by all their ids' annotations: lowered at most."""
    begins = _begins_days(graph, shown_as)
    reach = 2 * age_days + YEAR_DAYS
    for onset in np.unique(begins[begins > reach]).tolist():
        factor = max(-_HALF_AS_OLD * log2(onset / reach) ** 2, LOG_FACTOR[Effect.LOWER])
        if factor < -LEAST:
            title = f"Begins at {round(onset / YEAR_DAYS)} years or later"
            diseases = tuple(np.flatnonzero(begins == onset).tolist())
            source = f"HPO {graph.version}, annotations of onset"
            yield Held(f"onset:{round(onset)}", title, Effect.LOWER, source, factor, diseases)


def _begins_days(graph: CompiledGraph, shown_as: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """The earliest age (n_diseases,) that any id of a disease has as its onset; 0 where none has one."""
    known = np.flatnonzero(np.diff(graph.onsets.indptr) > 0)
    earliest = np.full(len(shown_as), np.inf)
    np.minimum.at(earliest, shown_as[known], graph.demographics.earliest_onset_days[known])
    return np.where(np.isinf(earliest), 0.0, earliest)[shown_as]


def _span(ages: tuple[float, float]) -> str:
    youngest, oldest = ages
    if oldest >= OLDEST_YEARS:
        return f"from {_age(youngest)} on"
    return f"until {_age(oldest)}" if youngest == 0 else f"from {_age(youngest)} to {_age(oldest)}"


def _age(years: float) -> str:
    return f"{years:g} years" if years >= 2 else f"{round(12 * years)} months"

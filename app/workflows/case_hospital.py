"""A hospital whose patients are published cases, for `benchmark learning`: whom it learns from, and new ones.

Of the diseases with most cases those that several publications tell of, each publication on one side alone,
so that no judged case has one in common with those learned from. All are told in synthetic words, and ranked
as if the graph knew nothing by their own publications; what the text model read of them it has read.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest

import numpy as np

from app.errors import UsageError
from app.workflows.evaluate_cases import Case
from app.workflows.synthetic_notes import HELD_OUT_STYLES
from app.workflows.write_notes import LEFT_OUT, KnownNote, published_notes
from knowledge_graph.cohort.note_style import read_note_styles
from knowledge_graph.graph.compiled_graph import CompiledGraph

DISEASES = 30
LEARNED = 2 / 3  # of a disease's cases, as far as publications can be split


@dataclass(frozen=True, slots=True)
class CaseHospital:
    """Notes to learn from and notes to judge by, in styles that were not learned from."""

    told: tuple[KnownNote, ...]
    new: tuple[KnownNote, ...]
    diseases: tuple[str, ...]


def case_hospital(
    graph: CompiledGraph,
    cases: Iterable[Case],
    known: Iterable[str],
    *,
    patients: int,
    rng: np.random.Generator,
) -> CaseHospital:
    """Up to `patients` and half as many new ones, all diseases in turn; `known` are those that a model names.

    Raises UsageError where no disease has cases of two publications.
    """
    sides = [split(own, rng) for own in _most_told(graph, cases, set(known))]
    if not sides:
        raise UsageError("no disease of the cases is told of by two publications; give more cases")
    styles = [style.name for style in read_note_styles() if style.name not in HELD_OUT_STYLES]
    told, new = (list(islice(in_turn([s[n] for s in sides]), patients // (1 + n))) for n in (0, 1))
    return CaseHospital(
        _notes(graph, told, styles, rng),
        _notes(graph, new, HELD_OUT_STYLES, rng),
        tuple(sorted({case.truths[0] for case in (*told, *new)})),
    )


def split(cases: Sequence[Case], rng: np.random.Generator) -> tuple[list[Case], list[Case]]:
    """Cases to learn from and to judge by; each publication on one side, and who is of both on neither."""
    by_first = defaultdict(list)
    for case in cases:
        by_first[min(case.publications)].append(case)
    first = sorted(by_first)
    told, new = list[Case](), list[Case]()
    for place in rng.permutation(len(first)).tolist():
        learned = len(told) * (1 - LEARNED) <= len(new) * LEARNED
        (told if learned else new).extend(by_first[first[place]])
    known = {publication for case in told for publication in case.publications}
    apart = [case for case in new if not case.publications & known]
    return _shuffled(told, rng), _shuffled(apart, rng)


def in_turn(lists: Sequence[Sequence[Case]]) -> Iterator[Case]:
    """The first of each list, then the second of each, until all have ended."""
    for row in zip_longest(*lists):
        yield from (case for case in row if case is not None)


def _most_told(graph: CompiledGraph, cases: Iterable[Case], known: set[str]) -> list[list[Case]]:
    of_disease = defaultdict(list)
    for case in cases:
        disease = case.truths[0]
        if disease in known and disease in graph.disease_index and case.publications and case.observed:
            of_disease[disease].append(case)
    several = {d: own for d, own in of_disease.items() if len({min(c.publications) for c in own}) > 1}
    return [several[d] for d in sorted(several, key=lambda d: (-len(several[d]), d))[:DISEASES]]


def _shuffled(cases: list[Case], rng: np.random.Generator) -> list[Case]:
    return [cases[place] for place in rng.permutation(len(cases)).tolist()]


def _notes(
    graph: CompiledGraph, cases: list[Case], styles: Sequence[str], rng: np.random.Generator
) -> tuple[KnownNote, ...]:
    count = len(cases)
    notes = published_notes(graph, cases, count=count, styles=styles, rng=rng, most_of_a_disease=count)
    return tuple(replace(note, source=LEFT_OUT) for note in notes)

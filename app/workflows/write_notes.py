"""Writes notes whose diagnosis is known: of synthetic patients, and of published cases with synthetic words.

All in styles that no part of the program was fitted on; one of them serves the fusion's fit alone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from app.clinical.age import iso_duration_days
from app.errors import UsageError
from app.workflows.evaluate_cases import Case, case_findings, case_sex
from app.workflows.synthetic_notes import HELD_OUT_STYLES
from knowledge_graph.cohort.note_style import NoteStyle, read_note_styles
from knowledge_graph.cohort.note_writing import TermNames, choose_style, write_note
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.cohort.wording import graph_term_names
from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId

FIT_STYLE = "telegram"
MEASURED_STYLES = tuple(style for style in HELD_OUT_STYLES if style != FIT_STYLE)
SYNTHETIC, PUBLISHED, UNSEEN = "synthetic", "published", "published, its article unknown"
LEFT_OUT = "published, its article left out"
CALIBRATION_NOTES, CALIBRATION_SEED = 40, 5
_ADULT_DAYS = 30 * 365
_MOST_OF_A_DISEASE = 3
PUBLIC_NOTES, _PUBLIC_SEED = 48, 7


@dataclass(frozen=True, slots=True)
class KnownNote:
    """A note, the findings that it was written from, and the diseases that count as right.

    `source` is SYNTHETIC, PUBLISHED, or UNSEEN where no row of the knowledge comes from the case's
    `publications`.
    """

    text: str
    findings: tuple[Finding, ...]
    sex: Sex
    age_days: int | None
    truths: tuple[DiseaseId, ...]
    source: str
    publications: frozenset[str] = frozenset()


def synthetic_notes(
    graph: CompiledGraph,
    *,
    count: int,
    styles: Sequence[str],
    rng: np.random.Generator,
    diseases: Sequence[DiseaseId] | None = None,
) -> Iterator[KnownNote]:
    """Notes of new synthetic patients, all diseases (or those named) alike often."""
    writer = _Writer(graph, styles, rng)
    for patient in sample_patients(graph, count=count, rng=rng, diseases=diseases):
        yield KnownNote(
            writer.write(patient),
            patient.findings,
            patient.sex,
            patient.age_days,
            (patient.disease_id,),
            SYNTHETIC,
        )


def counts_as(source: str) -> tuple[str, ...]:
    """Among which notes those of a source count: UNSEEN are all published cases without their article."""
    return {UNSEEN: (PUBLISHED, UNSEEN), LEFT_OUT: (UNSEEN,)}.get(source, (source,))


def calibration_texts(graph: CompiledGraph) -> tuple[str, ...]:
    """Public notes on which an export sees how large what int8 rounds becomes; always the same."""
    rng = np.random.default_rng(CALIBRATION_SEED)
    notes = synthetic_notes(graph, count=CALIBRATION_NOTES, styles=[FIT_STYLE], rng=rng)
    return tuple(note.text for note in notes)


def public_texts(graph: CompiledGraph, declared: Sequence[str]) -> tuple[str, ...]:
    """Synthetic notes of declared diseases, always the same for a graph: a head starts from how they read.

    Raises UsageError where no declared disease has a finding to tell.
    """
    styles = [style.name for style in read_note_styles() if style.name not in HELD_OUT_STYLES]
    known = [DiseaseId(d) for d in declared if d in graph.disease_index]
    rng = np.random.default_rng(_PUBLIC_SEED)
    notes = synthetic_notes(graph, count=PUBLIC_NOTES, styles=styles, rng=rng, diseases=known)
    try:
        return tuple(note.text for note in notes)
    except ValueError:
        raise UsageError("the knowledge has no finding of any declared disease; declare others") from None


def published_notes(
    graph: CompiledGraph,
    cases: Iterable[Case],
    *,
    count: int,
    styles: Sequence[str],
    rng: np.random.Generator,
    most_of_a_disease: int = _MOST_OF_A_DISEASE,
) -> Iterator[KnownNote]:
    """Up to `count` cases of diseases that the knowledge has, few of each, told in synthetic words."""
    writer, articles = _Writer(graph, styles, rng), _articles(graph)
    known = [case for case in cases if any(t in graph.disease_index for t in case.truths)]
    for case in _spread([known[i] for i in rng.permutation(len(known))], count, most_of_a_disease):
        findings = tuple(case_findings(graph, case)[0])
        if findings:
            age, sex = iso_duration_days(case.age or ""), case_sex(case)
            truths = tuple(DiseaseId(t) for t in case.truths if t in graph.disease_index)
            told = SampledPatient(truths[0], findings, sex, _ADULT_DAYS if age is None else age)
            source = PUBLISHED if case.publications & articles else UNSEEN
            own = frozenset(case.publications)
            yield KnownNote(writer.write(told), findings, sex, age, truths, source, own)


class _Writer:
    def __init__(self, graph: CompiledGraph, styles: Sequence[str], rng: np.random.Generator):
        self._names: TermNames = graph_term_names(graph)
        self._styles: list[NoteStyle] = [s for s in read_note_styles() if s.name in styles]
        self._rng = rng

    def write(self, patient: SampledPatient) -> str:
        style = choose_style(self._styles, self._rng)
        return write_note(patient, self._names, rng=self._rng, style=style).text


def _spread(cases: Sequence[Case], count: int, most: int) -> Iterator[Case]:
    """The first `count` cases, at most a few of each disease."""
    taken: Counter[str] = Counter()
    for case in cases:
        if taken.total() < count and taken[case.truths[0]] < most:
            taken[case.truths[0]] += 1
            yield case


def _articles(graph: CompiledGraph) -> set[str]:
    return {graph.texts[number] for number in np.unique(graph.associations.reference).tolist()}

"""Puts the patients behind synthetic notes into groups: sex, age band, and what the site defines."""

from collections.abc import Sequence

from app.config.model_gates import ReportGroup
from app.workflows.write_notes import KnownNote
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import TermId

DAYS_A_YEAR = 365.25
AGE_BANDS = ((2, "under 2"), (18, "2 to 17"), (65, "18 to 64"), (200, "65 and over"))
UNKNOWN = "not known"


def group_labels(
    graph: CompiledGraph, notes: Sequence[KnownNote], site: Sequence[ReportGroup]
) -> dict[str, list[str]]:
    """For each attribute the group of every note; a site's group has the values `in it` and `not`.

    Raises UnknownTerm where a site's group names a term that the knowledge lacks.
    """
    labels = {
        "sex": [str(note.sex).lower() for note in notes],
        "age": [age_band(note.age_days) for note in notes],
    }
    for group in site:
        wanted = {graph.resolve(TermId(term)) for term in group.terms}
        labels[group.name] = ["in it" if belongs(graph, note, group, wanted) else "not" for note in notes]
    return labels


def age_band(age_days: int | None) -> str:
    """The band of an age."""
    if age_days is None:
        return UNKNOWN
    return next(name for below, name in AGE_BANDS if age_days < below * DAYS_A_YEAR)


def belongs(graph: CompiledGraph, note: KnownNote, group: ReportGroup, wanted: set[TermId]) -> bool:
    """Whether a patient meets every condition of a group; of its terms and diseases one is enough."""
    years = None if note.age_days is None else note.age_days / DAYS_A_YEAR
    return (
        (not group.sex or str(note.sex).lower() == group.sex.lower())
        and (group.from_age is None or (years is not None and years >= group.from_age))
        and (group.below_age is None or (years is not None and years < group.below_age))
        and (not group.diseases or any(t in group.diseases for t in note.truths))
        and (not wanted or _shows(graph, note, wanted))
    )


def _shows(graph: CompiledGraph, note: KnownNote, wanted: set[TermId]) -> bool:
    observed = [graph.resolve(f.term_id) for f in note.findings if f.state is FindingState.OBSERVED]
    return any(graph.is_a(term, ancestor) for term in observed for ancestor in wanted)

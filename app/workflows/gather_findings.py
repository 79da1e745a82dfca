"""Gathers what a chart says in HPO terms: marks, coded features, conditions and laboratory values.

A clinician's own mark wins over what the program read. Where one kind of source says both, as when a
finding is excluded in one note and observed in another, it counts as observed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.clinical.age import age_days_at
from app.clinical.annotation import Annotation
from app.clinical.chart import Chart
from app.clinical.record import REFUTED, WITHDRAWN
from app.workflows.read_laboratory import read_laboratory
from app.workflows.suggest_findings import is_about_patient
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.laboratory import laboratory_terms
from knowledge_graph.rules.rule import LaboratoryRule
from knowledge_graph.terms.term import TermId
from ml.recognition.recogniser import Recogniser

HPO_SYSTEMS = ("http://purl.obolibrary.org/obo/hp.owl", "http://human-phenotype-ontology.org", "HP")


@dataclass(frozen=True, slots=True)
class GatheredFinding:
    """A finding and where it comes from: mark, note, feature, condition or laboratory."""

    finding: Finding
    source: str


def gather_findings(
    graph: CompiledGraph,
    recogniser: Recogniser,
    chart: Chart,
    *,
    marks: Sequence[Annotation] = (),
    laboratory: Mapping[str, LaboratoryRule],
) -> tuple[GatheredFinding, ...]:
    """Everything the chart says, each term once. `laboratory` are the rules by LOINC code."""
    found = [GatheredFinding(Finding(m.term_id, m.state), "mark") for m in marks if not m.rejected]
    found += [GatheredFinding(feature.finding, "feature") for feature in chart.features]
    labs = read_laboratory(chart.observations)
    found += [GatheredFinding(Finding(t), "laboratory") for t in laboratory_terms(laboratory, labs)]
    found += _conditions(recogniser, chart)
    found += _notes(recogniser, chart, marks)
    return _settled(graph, found)


def _notes(recogniser: Recogniser, chart: Chart, marks: Sequence[Annotation]) -> list[GatheredFinding]:
    spoken = {(mark.note_id, place) for mark in marks for place in range(mark.start, mark.end)}
    return [
        GatheredFinding(Finding(TermId(m.term_id), FindingState(m.state)), "note")
        for note in chart.notes
        for m in recogniser.mentions(
            note.text, age_days=age_days_at(chart.patient.birth_date, note.written_at)
        )
        if is_about_patient(m) and not any((note.id, p) in spoken for p in range(m.start, m.end))
    ]


def _conditions(recogniser: Recogniser, chart: Chart) -> list[GatheredFinding]:
    """Coded HPO conditions as they are; others by their label, where it names a finding."""
    found: list[GatheredFinding] = []
    for condition in chart.conditions:
        if condition.verification_status == WITHDRAWN:
            continue
        state = FindingState.EXCLUDED if condition.verification_status == REFUTED else FindingState.OBSERVED
        coded = [c.code for c in condition.codings if c.system in HPO_SYSTEMS or c.code.startswith("HP:")]
        named = [m.term_id for m in recogniser.mentions(condition.label) if m.state == "observed"]
        found += [GatheredFinding(Finding(TermId(t), state), "condition") for t in coded or named]
    return found


def _settled(graph: CompiledGraph, found: Iterable[GatheredFinding]) -> tuple[GatheredFinding, ...]:
    """Current ids; each term once, earlier sources first; observed wins over excluded of one rank."""
    settled: dict[TermId, GatheredFinding] = {}
    for item in found:
        try:
            term = graph.resolve(item.finding.term_id)
        except UnknownTerm:
            continue
        fresh = GatheredFinding(Finding(term, item.finding.state, item.finding.onset_days), item.source)
        held = settled.get(term)
        contradicts = held is not None and held.source == item.source
        if held is None or (contradicts and fresh.finding.state is FindingState.OBSERVED):
            settled[term] = fresh
    return tuple(settled.values())

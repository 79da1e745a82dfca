"""Gathers what a chart says in HPO terms: marks, coded features, conditions and laboratory values.

A clinician's own mark wins over what the program read. Where one kind of source says both, as when a
finding is excluded in one note and observed in another, it counts as observed.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import msgspec

from app.clinical.annotation import Annotation
from app.clinical.chart import Chart
from app.clinical.record import REFUTED, WITHDRAWN, Observation
from app.workflows.suggest_findings import is_about_patient
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import TermId
from ml.recognition.recogniser import Recogniser

LOINC = "http://loinc.org"
HPO_SYSTEMS = ("http://purl.obolibrary.org/obo/hp.owl", "http://human-phenotype-ontology.org", "HP")
# HL7 ObservationInterpretation. "A" (abnormal) and others do not say on which side: the range does.
_LOW, _HIGH, _NORMAL = ("L", "LL", "LU", "<"), ("H", "HH", "HU", ">"), ("N",)
_WITHDRAWN = (WITHDRAWN, "cancelled")


@dataclass(frozen=True, slots=True)
class GatheredFinding:
    """A finding and where it comes from: mark, note, feature, condition or laboratory."""

    finding: Finding
    source: str


class LaboratoryRule(msgspec.Struct):
    """A LOINC code and the findings that a value below or above its range stands for."""

    loinc: list[str]
    name: str
    low: str = ""
    high: str = ""


def load_laboratory_rules() -> dict[str, LaboratoryRule]:
    """The shipped rules by LOINC code."""
    text = files("resources").joinpath("laboratory_rules.toml").read_text("utf-8")
    rules = msgspec.convert(tomllib.loads(text)["rule"], list[LaboratoryRule])
    return {code: rule for rule in rules for code in rule.loinc}


def gather_findings(
    graph: CompiledGraph, recogniser: Recogniser, chart: Chart, *, marks: Sequence[Annotation] = ()
) -> tuple[GatheredFinding, ...]:
    """Everything the chart says, each term once."""
    found = [GatheredFinding(Finding(m.term_id, m.state), "mark") for m in marks if not m.rejected]
    found += [GatheredFinding(feature.finding, "feature") for feature in chart.features]
    found += _laboratory(chart.observations)
    found += _conditions(recogniser, chart)
    found += _notes(recogniser, chart, marks)
    return _settled(graph, found)


def _notes(recogniser: Recogniser, chart: Chart, marks: Sequence[Annotation]) -> list[GatheredFinding]:
    spoken = {(mark.note_id, place) for mark in marks for place in range(mark.start, mark.end)}
    return [
        GatheredFinding(Finding(TermId(m.term_id), FindingState(m.state)), "note")
        for note in chart.notes
        for m in recogniser.mentions(note.text)
        if is_about_patient(m) and not any((note.id, p) in spoken for p in range(m.start, m.end))
    ]


def _conditions(recogniser: Recogniser, chart: Chart) -> list[GatheredFinding]:
    """Coded HPO conditions as they are; others by their label, where it names a finding."""
    found: list[GatheredFinding] = []
    for condition in chart.conditions:
        if condition.verification_status in _WITHDRAWN:
            continue
        state = FindingState.EXCLUDED if condition.verification_status == REFUTED else FindingState.OBSERVED
        coded = [c.code for c in condition.codings if c.system in HPO_SYSTEMS or c.code.startswith("HP:")]
        named = [m.term_id for m in recogniser.mentions(condition.label) if m.state == "observed"]
        found += [GatheredFinding(Finding(TermId(t), state), "condition") for t in coded or named]
    return found


def _laboratory(observations: Iterable[Observation]) -> list[GatheredFinding]:
    """The newest value of each rule's test, where it lies outside its range."""
    rules = load_laboratory_rules()
    newest: dict[str, tuple[LaboratoryRule, Observation]] = {}
    for observation in observations:  # oldest first
        if observation.status in _WITHDRAWN:
            continue
        for coding in observation.codings:
            if coding.system == LOINC and coding.code in rules:
                newest[rules[coding.code].name] = (rules[coding.code], observation)
    found: list[GatheredFinding] = []
    for rule, observation in newest.values():
        side = out_of_range(observation)
        term = {"low": rule.low, "high": rule.high}.get(side, "")
        if term:
            found.append(GatheredFinding(Finding(TermId(term)), "laboratory"))
    return found


def out_of_range(observation: Observation) -> str:
    """ "low", "high" or "": by the laboratory's own interpretation, else by its reference range.

    "<5" can only be low and ">5" only high: where the value really lies is not known.
    """
    code = observation.interpretation.strip().upper()
    if code in _LOW or code in _HIGH or code in _NORMAL:
        return "low" if code in _LOW else "high" if code in _HIGH else ""
    quantity, span = observation.quantity, observation.reference_range
    if quantity is None or span is None:
        return ""
    side = quantity.comparator[:1]
    if span.low is not None and side != ">" and quantity.value < span.low:
        return "low"
    return "high" if span.high is not None and side != "<" and quantity.value > span.high else ""


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

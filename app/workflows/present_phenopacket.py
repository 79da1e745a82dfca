"""Reads one phenopacket file as what a diagnosis is asked about, without a vault."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.clinical.age import age_days
from app.clinical.patient import Patient
from app.clinical.record import Condition, Observation, PhenotypicFeature
from app.exchange.reader import ReadPlan
from app.exchange.source_file import SourceFile
from app.workflows.foreign_gate import ForeignGate
from app.workflows.read_codes import read_codes
from app.workflows.read_laboratory import read_laboratory
from app.workflows.suggest_findings import PHENOTYPIC_ABNORMALITY
from app.workflows.weighed import Presentation
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Finding
from knowledge_graph.graph.compiled_graph import CompiledGraph


@dataclass(frozen=True, slots=True)
class PresentedPacket:
    """What is asked, and the ids of the features that this knowledge can't rank by."""

    presentation: Presentation
    left_out: tuple[str, ...]


def present_phenopacket(path: Path, graph: CompiledGraph, *, today: date) -> PresentedPacket:
    """What the file's first phenopacket says, codes and values for the rules too. Raises ImportRefused."""
    with ForeignGate(ReadPlan(), {}) as gate:
        item, age = gate.packet(SourceFile(path))
    patient = next(r for r in item.records if isinstance(r, Patient))
    features = [r.finding for r in item.records if isinstance(r, PhenotypicFeature)]
    kept = tuple(f for f in features if is_rankable(graph, f))
    if age is None:
        age = age_days(patient.birth_date, today)
    left_out = tuple(f.term_id for f in features if f not in kept)
    asked = Presentation(
        findings=kept,
        sex=patient.sex,
        age_days=age,
        conditions=read_codes(r for r in item.records if isinstance(r, Condition)),
        labs=read_laboratory(r for r in item.records if isinstance(r, Observation)),
    )
    return PresentedPacket(asked, left_out)


def is_rankable(graph: CompiledGraph, finding: Finding) -> bool:
    """Whether a finding names a phenotypic abnormality of this knowledge, or a pack's own term."""
    try:
        local = graph.term_number(finding.term_id) >= graph.hpo_terms
        return local or graph.is_a(finding.term_id, PHENOTYPIC_ABNORMALITY)
    except UnknownTerm:
        return False

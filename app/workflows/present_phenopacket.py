"""Reads one phenopacket file as what a diagnosis is asked about, without a vault."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.clinical.age import age_days
from app.clinical.patient import Patient
from app.clinical.record import Condition, Observation, PhenotypicFeature
from app.exchange.reader import ReadPlan
from app.exchange.source_file import SourceFile
from app.workflows.check_rankable import is_rankable
from app.workflows.foreign_gate import ForeignGate
from app.workflows.read_codes import read_codes
from app.workflows.read_laboratory import read_laboratory
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.laboratory import laboratory_terms
from knowledge_graph.rules.rule import LaboratoryRule


@dataclass(frozen=True, slots=True)
class PresentedPacket:
    """What is asked, and the ids of the features that this knowledge can't rank by."""

    presentation: Presentation
    left_out: tuple[str, ...]


def present_phenopacket(
    path: Path, graph: CompiledGraph, *, laboratory: Mapping[str, LaboratoryRule], today: date
) -> PresentedPacket:
    """What the file's first phenopacket says, codes and values for the rules too. Raises ImportRefused.

    A value out of its range is a finding, by the rules of its LOINC code, where no feature speaks of it.
    """
    with ForeignGate(ReadPlan(), {}) as gate:
        item, age = gate.packet(SourceFile(path))
    patient = next(r for r in item.records if isinstance(r, Patient))
    features = [r.finding for r in item.records if isinstance(r, PhenotypicFeature)]
    kept = tuple(f for f in features if is_rankable(graph, f))
    if age is None:
        age = age_days(patient.birth_date, today)
    left_out = tuple(f.term_id for f in features if f not in kept)
    labs = read_laboratory(r for r in item.records if isinstance(r, Observation))
    spoken = {graph.resolve(f.term_id) for f in kept}
    measured = (Finding(term) for term in laboratory_terms(laboratory, labs) if term not in spoken)
    asked = Presentation(
        findings=(*kept, *measured),
        sex=patient.sex,
        age_days=age,
        conditions=read_codes(r for r in item.records if isinstance(r, Condition)),
        labs=labs,
    )
    return PresentedPacket(asked, left_out)

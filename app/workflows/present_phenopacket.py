"""Reads one phenopacket file as what a diagnosis is asked about, without a vault."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from app.clinical.age import age_days
from app.clinical.patient import Patient
from app.clinical.record import Condition, Observation, PhenotypicFeature
from app.errors import ImportRefused
from app.exchange.item import ReadLimits
from app.exchange.phenopacket import packets_in, read_phenopacket
from app.exchange.phenopacket_age import subject_age_days
from app.exchange.source_file import SourceFile
from app.exchange.strict_json import load_json
from app.workflows.diagnose import Presentation
from app.workflows.read_codes import read_codes
from app.workflows.read_laboratory import read_laboratory
from app.workflows.suggest_findings import PHENOTYPIC_ABNORMALITY
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
    try:
        value = load_json(SourceFile(path).read(ReadLimits()), name=path.name)
    except OSError as error:
        raise ImportRefused(f"{path.name}: cannot be read; check the path") from error
    packets = packets_in(value) if isinstance(value, (dict, list)) else []
    if not packets:
        raise ImportRefused(f"{path.name}: this is no GA4GH phenopacket; import FHIR into a vault instead")
    own = packets[0].get("id")
    named = {**packets[0], "id": own if isinstance(own, str) and own else "unnamed"}
    item = read_phenopacket(named, place="packet 0")
    if item.skipped:
        raise ImportRefused(f"{path.name}: {item.skipped}")
    patient = next(r for r in item.records if isinstance(r, Patient))
    features = [r.finding for r in item.records if isinstance(r, PhenotypicFeature)]
    kept = tuple(f for f in features if is_rankable(graph, f))
    age = subject_age_days(packets[0])
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

"""Diseases side by side for one patient: what speaks for and against each, and what tells them apart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.clinical.diagnosis import DifferentialLine
from app.errors import UsageError
from app.workflows.diagnose import DiagnosisService
from app.workflows.weighed import Weighed
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.rationale.comparison import ExpectedShare, telling_apart
from knowledge_graph.rationale.evidence import Evidence
from knowledge_graph.terms.term import TermId

MOST = 6


@dataclass(frozen=True, slots=True)
class ComparedFinding:
    """One finding of the patient; `evidence` in the order of the diseases."""

    term_id: TermId
    name: str
    state: FindingState
    evidence: tuple[Evidence, ...]

    @property
    def spread(self) -> float:
        """How far apart the diseases are on it, in natural-log units."""
        ratios = [e.log_likelihood_ratio for e in self.evidence]
        return max(ratios) - min(ratios)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Diseases, likeliest first; findings, what tells them apart first; what is still to be asked."""

    lines: tuple[DifferentialLine, ...]
    findings: tuple[ComparedFinding, ...]
    open_findings: tuple[ExpectedShare, ...]


def compare_diseases(
    service: DiagnosisService, weighed: Weighed, disease_ids: Sequence[str], *, open_count: int = 8
) -> Comparison:
    """Compare diseases; two ids of one disease count once. Raises UsageError, UnknownDisease."""
    graph, fused = service.graph, weighed.fused
    numbers = list(dict.fromkeys(int(service.shown_as[graph.disease_number(d)]) for d in disease_ids))
    if not 2 <= len(numbers) <= MOST:
        raise UsageError(f"name two to {MOST} different diseases to compare")
    numbers.sort(key=lambda disease: -fused.shown[disease])
    place = {disease: rank for rank, disease in enumerate(fused.best(len(fused.shown)).tolist(), start=1)}
    lines = service.lines(weighed, ((place[disease], disease) for disease in numbers))
    said = [{(e.term_id, e.state): e for e in line.evidence} for line in lines]
    findings = [
        ComparedFinding(term, said[0][term, state].name, state, tuple(of[term, state] for of in said))
        for term, state in said[0]
    ]
    findings.sort(key=lambda found: (-found.spread, found.name))
    ids = [np.flatnonzero(service.shown_as == number).tolist() for number in numbers]
    apart = telling_apart(graph, weighed.asked.findings, ids, count=open_count)
    return Comparison(lines, tuple(findings), apart)

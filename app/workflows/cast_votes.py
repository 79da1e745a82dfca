"""Asks the voters of the weak labels: what each names of a patient, and what the rules speak against."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.workflows.diagnose import DiagnosisService
from app.workflows.find_conflicts import DiseaseNames
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fused_differential import fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.ranking.rank import rank
from knowledge_graph.rules.rule import LOG_FACTOR, Effect
from knowledge_graph.rules.trace import RuleTrace
from knowledge_graph.terms.term import DiseaseId

GRAPH, TEXT, CODE, RULES = "graph", "text", "code", "rules"
SPEAKS_FROM = 0.5  # a voter whose first disease is less likely abstains


@dataclass(frozen=True, slots=True)
class Ballot:
    """The disease of each voter that speaks, and those of them that hard constraints speak against."""

    votes: Mapping[str, str]
    against: frozenset[str] = frozenset()


def cast_votes(
    service: DiagnosisService,
    asked: Presentation,
    names: DiseaseNames,
    named: Mapping[str, str],
    *,
    coded: str = "",
) -> Ballot:
    """Ask every voter. `named` are the diseases that rules name, by rule; `coded` is the record's."""
    graph = None
    if asked.findings:
        graph = rank(service.graph, asked.findings, sex=asked.sex, age_days=asked.age_days).total
    observed = observed_count(asked.findings)
    said = {
        GRAPH: _first(service, graph, None, observed=observed),
        TEXT: _first(service, None, service.text_scores(asked.texts), observed=observed),
        RULES: named_by_rules(service.trace(asked), named, service.graph.disease_index),
        CODE: coded,
    }
    votes = {voter: names.one(disease) for voter, disease in said.items() if disease}
    return Ballot(votes, _spoken_against(service, asked, frozenset(votes.values())))


def named_by_rules(trace: RuleTrace, named: Mapping[str, str], known: Mapping[DiseaseId, int]) -> str:
    """The one known disease that the fired rules name; empty where they name none, or several."""
    fired = {named[alert.rule_id] for alert in trace.alerts if alert.rule_id in named}
    diseases = [disease for disease in fired if DiseaseId(disease) in known]
    return diseases[0] if len(diseases) == 1 else ""


def _spoken_against(
    service: DiagnosisService, asked: Presentation, diseases: frozenset[str]
) -> frozenset[str]:
    """Of these, who the person's sex or age all but rules out."""
    share, numbers = service.constraints(asked).share, service.graph.disease_index
    known = {d: numbers[DiseaseId(d)] for d in diseases if DiseaseId(d) in numbers}
    return frozenset(d for d, number in known.items() if share[number] <= LOG_FACTOR[Effect.LOWER])


def _first(
    service: DiagnosisService,
    graph: npt.NDArray[np.floating] | None,
    text: npt.NDArray[np.floating] | None,
    *,
    observed: int,
) -> str:
    if graph is None and text is None:
        return ""
    prior = np.ones(len(service.graph.disease_ids))
    fused = fuse(
        graph, text, observed=observed, prior=prior, weights=FusionWeights.load(), shown_as=service.shown_as
    )
    best = int(fused.shown.argmax())
    return service.graph.disease_ids[best] if fused.shown[best] >= SPEAKS_FROM else ""

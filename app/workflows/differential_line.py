"""Lines of a differential: each disease's probability, its parts that add up to it, and the reasons."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.clinical.diagnosis import DifferentialLine, HeldLine
from app.workflows.weighed import Weighed
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rationale.evidence import Evidence
from knowledge_graph.rationale.explanation import Reasons
from knowledge_graph.terms.term import DiseaseId, TermId


class _Told(NamedTuple):
    evidence: tuple[Evidence, ...]
    not_yet_asked: tuple[tuple[TermId, str], ...]


def differential_lines(
    graph: CompiledGraph,
    shown_as: npt.NDArray[np.intp],
    weighed: Weighed,
    placed: Iterable[tuple[int, int]],
) -> tuple[DifferentialLine, ...]:
    """Diseases (numbers of the graph) with their reasons, each at its rank (0 where it is not listed).

    `placed` are (rank, disease); `shown_as` gives each disease the one under whose id it is shown.
    """
    ranks = list(placed)
    told = _told(graph, weighed, [graph.disease_ids[disease] for _, disease in ranks])
    return tuple(
        _line(graph, weighed, disease, rank=rank, same_as=_same_as(graph, shown_as, disease), told=of_disease)
        for (rank, disease), of_disease in zip(ranks, told, strict=True)
    )


def _told(graph: CompiledGraph, weighed: Weighed, disease_ids: Sequence[DiseaseId]) -> list[_Told]:
    """Why each disease stands where it does, and what to ask of it."""
    reasons = Reasons(graph, weighed.scores)
    return [
        _Told(evidence, tuple((e.term_id, e.name) for e in reasons.not_yet_asked(disease_id, count=4)))
        for disease_id, evidence in zip(disease_ids, reasons.explain_each(disease_ids), strict=True)
    ]


def _line(
    graph: CompiledGraph,
    weighed: Weighed,
    disease: int,
    *,
    rank: int,
    same_as: tuple[DiseaseId, ...],
    told: _Told,
) -> DifferentialLine:
    scores, fused, held = weighed.scores, weighed.fused, weighed.held
    disease_id = graph.disease_ids[disease]
    weight, facts = fused.graph_weight, graph.facts.get(disease_id)
    return DifferentialLine(
        rank=rank,
        disease_id=disease_id,
        name=graph.disease_names[disease],
        probability=float(fused.shown[disease]),
        same_as=same_as,
        same_as_score=_log_ratio(fused.shown[disease], fused.probability[disease]),
        text_score=float(fused.text_share[disease]),
        graph_score=float(fused.graph_share[disease]),
        context_score=weight * float(scores.context[disease]),
        picture_score=weight * float(scores.fit[disease]),
        second_look_score=weight * float(scores.moved[disease]),
        graph_weight=weight,
        rule_score=float(fused.rule_share[disease]),
        held=tuple(HeldLine(h.rule_id, h.title, h.source, h.log_factor) for h in held.of_disease(disease)),
        prior_score=float(fused.prior_share[disease]) - fused.prior_of_unstated,
        urgency=str(facts.urgency or "") if facts else "",
        epidemiology=tuple(
            said for i in (disease_id, *same_as) if i in graph.facts for said in graph.facts[i].epidemiology
        ),
        genes=graph.genes[disease],
        evidence=told.evidence,
        not_yet_asked=told.not_yet_asked,
    )


def _same_as(graph: CompiledGraph, shown_as: npt.NDArray[np.intp], disease: int) -> tuple[DiseaseId, ...]:
    """The other ids of the disease."""
    ids = np.flatnonzero(shown_as == disease).tolist()
    return tuple(graph.disease_ids[other] for other in ids if other != disease)


def _log_ratio(whole: float, part: float) -> float:
    """log(whole / part), 0 where a part is too small to be told from nothing."""
    return float(np.log(whole / part)) if part > 0 else 0.0

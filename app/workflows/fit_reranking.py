"""Learns the weights of the ranking's second look, and cross-validates them by disease and publication.

The first look keeps its weights (`fit_ranking` learns them). Each case is seen with its own publication and,
twice, without; only candidates of the truth's own source are compared.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.clinical.age import iso_duration_days
from app.errors import UsageError
from app.workflows.estimate_shares import Shares, estimate_shares, grouped_folds
from app.workflows.evaluate_cases import Case, case_findings, case_sex, id_spaces
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.context import context_ratios
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.rank import asked_of, distinct_findings, first_look
from knowledge_graph.ranking.rerank_fitting import LookedAt, fit_reranking
from knowledge_graph.ranking.reranking import RerankWeights, candidate_features, candidates

FOLDS = 5
TAUGHT = (False, True, True)  # whether the own publication is dropped: a new patient's is not known
UNIT = 0.44  # nats a point of the total is worth: the temperature of the first look's fit


@dataclass(frozen=True, slots=True)
class RerankingFit:
    """The weights from all cases; shares from folds that had seen neither disease nor publication."""

    weights: RerankWeights
    cases: int
    keep: Shares
    drop: Shares


def fit_second_look(
    graph: CompiledGraph, cases: Iterable[Case], *, progress: Callable[[str], object]
) -> RerankingFit:
    """Fit on the cases whose disease the knowledge has. Raises UsageError where there are too few."""
    known = [case for case in cases if case.truths[0] in graph.disease_index]
    if len({case.truths[0] for case in known}) < FOLDS:
        raise UsageError(f"the cases name fewer than {FOLDS} diseases of this knowledge; bring more")
    progress(f"scoring {len(known)} cases")
    dropped, spaces = DroppedPublication(graph), id_spaces(graph)
    looked = [
        [_looked_at(dropped, c, rivals=spaces[c.truths[0].split(":")[0]], drop=drop) for c in known]
        for drop in (False, True)
    ]
    fold = np.array(grouped_folds(((c.truths[0], *sorted(c.publications)) for c in known), FOLDS))
    taught = [looked[drop] for drop in TAUGHT]
    ranks = np.zeros((2, len(known)))
    for held in range(FOLDS):
        progress(f"cross-validating, fold {held + 1} of {FOLDS}")
        learned = [row[place] for row in taught for place in np.flatnonzero(fold != held)]
        weights = fit_reranking(learned, unit=UNIT)
        for row, found in zip(looked, ranks, strict=True):
            for place in np.flatnonzero(fold == held):
                found[place] = row[place].rank(weights)
    progress("fitting on all cases")
    diseases = [case.truths[0] for case in known]
    return RerankingFit(
        fit_reranking([case for row in taught for case in row], unit=UNIT),
        len(known),
        estimate_shares(ranks[0], diseases),
        estimate_shares(ranks[1], diseases),
    )


def write_reranking(path: Path, fit: RerankingFit, *, cases: Path, knowledge: str) -> None:
    """Write the weights with where they come from."""
    digest = hashlib.sha256(cases.read_bytes()).hexdigest()
    remarks = (
        f"Learned on {fit.cases} cases ({cases.name}, sha256 {digest})\n"
        f"with HPO {knowledge}, each case once with and twice without its own publication.\n"
        "Rebuild: anamnesis evaluate --cases F --fit-reranking resources/ranking/reranking.toml"
    )
    path.write_text(fit.weights.to_text(remarks), "utf-8")


def _looked_at(
    dropped: DroppedPublication,
    case: Case,
    *,
    rivals: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
    drop: bool,
) -> LookedAt:
    graph = dropped.graph
    findings = distinct_findings(graph, case_findings(graph, case)[0])
    own, features = dropped.parts(findings, case.publications if drop else set())
    context = context_ratios(graph, sex=case_sex(case), age_days=iso_duration_days(case.age or ""))
    first = first_look(graph, findings, own=own, features=features, context=context)
    asked = asked_of(first, features=features)
    chosen = candidates(graph, asked)
    chosen = chosen[rivals[chosen]]
    place = np.flatnonzero(chosen == graph.disease_number(case.truths[0]))
    truth = int(place[0]) if len(place) else None
    return LookedAt(case.truths[0], candidate_features(graph, asked, chosen), asked.fixed[chosen], truth)

"""Learns the weights of the graph's ranking on cases with a known diagnosis, and cross-validates them.

Each case is seen twice, with and without its own publication. Folds are made by disease and publication:
neither is both learned from and measured on. Few cases of each disease are taken: large cohorts list as
excluded what others of them have.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.clinical.age import iso_duration_days
from app.errors import UsageError
from app.workflows.estimate_shares import Shares, estimate_shares, grouped_folds
from app.workflows.evaluate_cases import Case, case_findings, case_sex, id_spaces, origin_of
from app.workflows.fit_reranking import taught_cases
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.context import context_ratios
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.exclusion import PLAIN, Exclusion
from knowledge_graph.ranking.profile_fit import FEATURES, FitWeights
from knowledge_graph.ranking.rank import distinct_findings, first_look
from knowledge_graph.ranking.weight_fitting import SHARPNESS, FittedWeights, RankedCase, fit_weights

CANDIDATES = 150
FOLDS = 5
Progress = Callable[..., None]


@dataclass(frozen=True, slots=True)
class RankingFit:
    """The weights from all cases; shares from folds that had seen neither disease nor publication."""

    fitted: FittedWeights
    cases: int
    keep: Shares
    drop: Shares


def fit_ranking(graph: CompiledGraph, cases: Iterable[Case], *, progress: Progress) -> RankingFit:
    """Fit on the cases whose disease the knowledge has. Raises UsageError where there are none."""
    known = taught_cases(graph, cases)
    if len({case.truths[0] for case in known}) < FOLDS:
        raise UsageError(f"the cases name fewer than {FOLDS} diseases of this knowledge; bring more")
    dropped = DroppedPublication(graph)
    progress(f"scoring {len(known)} cases")
    spaces = {name: np.flatnonzero(there) for name, there in id_spaces(graph).items()}
    keep, drop = (
        [candidates(dropped, c, rivals=spaces[c.truths[0].split(":")[0]], drop=d) for c in known]
        for d in (False, True)
    )
    fold = grouped_folds(((c.truths[0], *sorted(c.publications)) for c in known), FOLDS)
    shares = _cross_validated(keep, drop, fold, progress)
    progress("fitting on all cases")
    return RankingFit(fit_weights([*keep, *drop]), len(known), *shares)


def candidates(
    dropped: DroppedPublication, case: Case, *, rivals: npt.NDArray[np.intp], drop: bool
) -> RankedCase:
    """The likeliest of the rivals, by ratios and by picture, and the true one."""
    graph = dropped.graph
    truth = graph.disease_number(case.truths[0])
    findings = distinct_findings(graph, case_findings(graph, case)[0])
    parts = dropped.parts(findings, case.publications if drop else set(), exclusion=PLAIN)
    context = context_ratios(graph, sex=case_sex(case), age_days=iso_duration_days(case.age or ""))
    scores = first_look(graph, findings, parts, context=context)
    excluded = np.array([f.state is FindingState.EXCLUDED for f in findings], np.bool_)
    ratios: Floats = scores.per_finding[~excluded].sum(axis=0) + context
    picked = {truth}
    for score in (ratios, ratios + scores.fit, parts.features[0]):
        picked |= set(rivals[np.argsort(-score[rivals], kind="stable")[:CANDIDATES]].tolist())
    chosen = np.array(sorted(picked))
    terms = [graph.term_number(f.term_id) for f, out in zip(findings, excluded, strict=True) if out]
    return RankedCase(
        case.truths[0],
        ratios[chosen],
        parts.features[: len(FEATURES), chosen],
        _said_by_excluded(scores.own[excluded][:, chosen], graph.profiles.background[terms]),
        int(np.searchsorted(chosen, truth)),
    )


def _said_by_excluded(plain: Floats, background: Floats) -> Floats:
    """What excluded findings say by each of SHARPNESS, from what they say PLAIN (n_excluded, n)."""
    shown = 1 - np.exp(plain + PLAIN.log_of(background)[:, None])
    return np.stack([Exclusion(1.0, k).log_of(np.clip(shown, 0, 1)).sum(axis=0) for k in SHARPNESS])


def write_weights(path: Path, fit: RankingFit, *, cases: Path, knowledge: str) -> None:
    """Write the weights with where they come from."""
    remarks = (
        f"Learned on {fit.cases} cases ({origin_of(cases)})\n"
        f"with HPO {knowledge}; temperature {fit.fitted.temperature:.3f}.\n"
        "Rebuild: anamnesis evaluate --cases F --fit-weights resources/ranking/weights.toml"
    )
    path.write_text(fit.fitted.weights.to_text(remarks), "utf-8")


def _cross_validated(
    keep: Sequence[RankedCase], drop: Sequence[RankedCase], fold: Sequence[int], progress: Progress
) -> tuple[Shares, Shares]:
    """Shares with the own publication kept, and dropped."""
    ranks = np.zeros((2, len(keep)))
    for held in range(FOLDS):
        progress(f"cross-validating, fold {held + 1} of {FOLDS}")
        inside = [place for place, own in enumerate(fold) if own == held]
        outside = [place for place, own in enumerate(fold) if own != held]
        weights = fit_weights([cases[place] for cases in (keep, drop) for place in outside]).weights
        for row, cases in zip(ranks, (keep, drop), strict=True):
            row[inside] = [_rank(cases[place], weights) for place in inside]
    diseases = [case.disease_id for case in keep]
    return estimate_shares(ranks[0], diseases), estimate_shares(ranks[1], diseases)


def _rank(case: RankedCase, weights: FitWeights) -> float:
    excluded = np.float32(weights.excluded) * case.excluded[SHARPNESS.index(weights.sharpness)]
    scores = case.ratios + weights.share(case.features) + excluded
    own = scores[case.truth]
    return float(1 + (scores > own).sum() + ((scores == own).sum() - 1) / 2)

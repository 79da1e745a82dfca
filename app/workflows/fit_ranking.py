"""Learns the weights of the graph's ranking on cases with a known diagnosis, and cross-validates them.

Each case is seen twice, with and without its own publication. Folds are made by disease: no disease is
both learned from and measured on.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.clinical.age import iso_duration_days
from app.errors import UsageError
from app.workflows.evaluate_cases import Case, case_findings, case_sex, id_spaces
from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.context import context_ratios
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.profile_fit import FitWeights
from knowledge_graph.ranking.rank import distinct_findings, joined
from knowledge_graph.ranking.weight_fitting import FittedWeights, RankedCase, fit_weights

CANDIDATES = 150
FOLDS = 5
Progress = Callable[..., None]


@dataclass(frozen=True, slots=True)
class RankingFit:
    """The weights from all cases; shares of cases (0 to 1) from folds that had not seen their disease."""

    fitted: FittedWeights
    cases: int
    keep_top1: float
    keep_top10: float
    drop_top1: float
    drop_top10: float


def fit_ranking(graph: CompiledGraph, cases: Iterable[Case], *, progress: Progress) -> RankingFit:
    """Fit on the cases whose disease the knowledge has. Raises UsageError where there are none."""
    known = [case for case in cases if case.truths[0] in graph.disease_index]
    if len({case.truths[0] for case in known}) < FOLDS:
        raise UsageError(f"the cases name fewer than {FOLDS} diseases of this knowledge; bring more")
    dropped = DroppedPublication(graph)
    progress(f"scoring {len(known)} cases")
    spaces = {name: np.flatnonzero(there) for name, there in id_spaces(graph).items()}
    keep, drop = (
        [candidates(dropped, c, rivals=spaces[c.truths[0].split(":")[0]], drop=d) for c in known]
        for d in (False, True)
    )
    tops = _cross_validated(keep, drop, progress)
    progress("fitting on all cases")
    return RankingFit(fit_weights([*keep, *drop]), len(known), *tops)


def candidates(
    dropped: DroppedPublication, case: Case, *, rivals: npt.NDArray[np.intp], drop: bool
) -> RankedCase:
    """The likeliest of the rivals, by ratios and by picture, and the true one."""
    graph = dropped.graph
    truth = graph.disease_number(case.truths[0])
    findings = distinct_findings(graph, case_findings(graph, case)[0])
    own, features = dropped.parts(findings, case.publications if drop else set())
    context = context_ratios(graph, sex=case_sex(case), age_days=iso_duration_days(case.age or ""))
    scores = joined(graph, findings, own=own, features=features, context=context)
    ratios: Floats = scores.total - scores.fit
    picked = {truth}
    for score in (ratios, scores.total, features[0]):
        picked |= set(rivals[np.argsort(-score[rivals], kind="stable")[:CANDIDATES]].tolist())
    chosen = np.array(sorted(picked))
    place = int(np.searchsorted(chosen, truth))
    return RankedCase(case.truths[0], ratios[chosen], features[:, chosen], place)


def write_weights(path: Path, fit: RankingFit, *, cases: Path, knowledge: str) -> None:
    """Write the weights with where they come from."""
    digest = hashlib.sha256(cases.read_bytes()).hexdigest()
    remarks = (
        f"Learned on {fit.cases} cases ({cases.name}, sha256 {digest})\n"
        f"with HPO {knowledge}; temperature {fit.fitted.temperature:.3f}.\n"
        "Rebuild: anamnesis evaluate --cases F --fit-weights resources/ranking/weights.toml"
    )
    path.write_text(fit.fitted.weights.to_text(remarks), "utf-8")


def _cross_validated(
    keep: Sequence[RankedCase], drop: Sequence[RankedCase], progress: Progress
) -> tuple[float, float, float, float]:
    """Top-1 and top-10, own publication kept and dropped."""
    fold = {disease: i % FOLDS for i, disease in enumerate(sorted({case.disease_id for case in keep}))}
    ranks: dict[str, list[float]] = {"keep": [], "drop": []}
    for held in range(FOLDS):
        progress(f"cross-validating, fold {held + 1} of {FOLDS}")
        weights = fit_weights([c for c in (*keep, *drop) if fold[c.disease_id] != held]).weights
        for name, cases in (("keep", keep), ("drop", drop)):
            ranks[name] += [_rank(case, weights) for case in cases if fold[case.disease_id] == held]
    found = {name: np.array(values) for name, values in ranks.items()}
    tops = [float((found[name] <= k).mean()) for name in ("keep", "drop") for k in (1, 10)]
    return (tops[0], tops[1], tops[2], tops[3])


def _rank(case: RankedCase, weights: FitWeights) -> float:
    scores = case.ratios + weights.share(case.features)
    own = scores[case.truth]
    return float(1 + (scores > own).sum() + ((scores == own).sum() - 1) / 2)

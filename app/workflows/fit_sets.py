"""Calibrates prediction sets on cases with a known diagnosis, and cross-validates their coverage.

Each case is ranked without its own publication, as a new patient is, and once with it, to say how far stated
probabilities come true; by looks that have not seen its disease. Folds are made by disease and publication.
Cases of one disease share one voice: a disease is drawn, then a patient.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.clinical.age import iso_duration_days
from app.errors import UsageError
from app.workflows.estimate_shares import Estimate, estimate, estimate_share, grouped_folds
from app.workflows.evaluate_cases import Case, case_findings, case_sex, origin_of
from app.workflows.fit_reranking import FOLDS, taught_cases
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fused_differential import fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.prediction_set import SetCalibration, best_of_ids, gaps_below_first
from knowledge_graph.ranking.unseen_looks import UnseenLooks
from ml.evaluation.calibration import brier_of_first, calibration_noise, expected_calibration_error

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class _Seen:
    disease_id: str
    truth: int
    gaps: Floats
    stated: float
    right: bool
    strongest: float


@dataclass(frozen=True, slots=True)
class Stated:
    """The expected calibration error of the first disease, beside what chance alone would make it.

    `stated` is the mean probability, `right` the share that is right, `brier` its Brier score.
    """

    ece: Estimate
    noise: float
    brier: float
    stated: float
    right: float


@dataclass(frozen=True, slots=True)
class SetFit:
    """The calibration from all cases; the rest from folds that had seen neither disease nor publication.

    `stated` says how true the first disease's probability is, `stated_kept` with the own publication known.
    `coverage` weighs each case alike, `macro_coverage` each disease; sizes are numbers of diseases.
    """

    calibration: SetCalibration
    cases: int
    stated: Stated
    stated_kept: Stated
    coverage: Estimate
    macro_coverage: Estimate
    median_size: float
    mean_size: float
    size_of_the_largest_tenth: float


def fit_sets(graph: CompiledGraph, cases: Iterable[Case], *, progress: Progress) -> SetFit:
    """Calibrate on some cases of each known disease. Raises UsageError where too few diseases have any."""
    chosen = taught_cases(graph, cases)
    if len({case.truths[0] for case in chosen}) < FOLDS:
        raise UsageError(f"the cases name fewer than {FOLDS} diseases of this knowledge; bring more")
    progress(f"ranking {len(chosen)} cases, twice each")
    dropped, shown_as = DroppedPublication(graph), leaders(graph)
    seen = [_seen(dropped, case, case.publications, shown_as) for case in chosen]
    kept = [_seen(dropped, case, set(), shown_as) for case in chosen]
    fold = np.array(grouped_folds(((c.truths[0], *sorted(c.publications)) for c in chosen), FOLDS))
    sizes, held = np.zeros(len(seen)), np.zeros(len(seen), np.bool_)
    for number in range(FOLDS):
        gap = _calibrated([seen[i] for i in np.flatnonzero(fold != number).tolist()]).gap
        for place in np.flatnonzero(fold == number).tolist():
            sizes[place] = (seen[place].gaps <= gap).sum()
            held[place] = seen[place].gaps[seen[place].truth] <= gap
    diseases = [s.disease_id for s in seen]
    return SetFit(
        _calibrated(seen),
        len(seen),
        _stated(seen),
        _stated(kept),
        estimate_share(held, diseases, macro=False),
        estimate_share(held, diseases, macro=True),
        float(np.median(sizes)),
        float(sizes.mean()),
        float(np.quantile(sizes, 0.9)),
    )


def write_sets(path: Path, fit: SetFit, *, cases: Path, knowledge: str) -> None:
    """Write the calibration with where it comes from."""
    remarks = (
        f"Calibrated on {fit.cases} cases ({origin_of(cases)})\n"
        f"with HPO {knowledge}, without their own publication.\n"
        "Rebuild: anamnesis evaluate --cases F --fit-sets resources/ranking/sets.toml"
    )
    path.write_text(fit.calibration.to_text(remarks), "utf-8")


def _calibrated(seen: Sequence[_Seen]) -> SetCalibration:
    counts = Counter(s.disease_id for s in seen)
    voices = np.array([1 / counts[s.disease_id] for s in seen])
    gaps = [float(s.gaps[s.truth]) for s in seen]
    return SetCalibration.of_cases(gaps, [s.strongest for s in seen], voices)


def _stated(seen: Sequence[_Seen]) -> Stated:
    stated, right = np.array([s.stated for s in seen]), np.array([s.right for s in seen])
    return Stated(
        estimate(
            lambda some: expected_calibration_error(stated[some], right[some]), [s.disease_id for s in seen]
        ),
        calibration_noise(stated),
        brier_of_first(stated, right),
        float(stated.mean()),
        float(right.mean()),
    )


def _seen(
    dropped: DroppedPublication, case: Case, references: set[str], shown_as: npt.NDArray[np.intp]
) -> _Seen:
    graph = dropped.graph
    findings = case_findings(graph, case)[0]
    age, looks = iso_duration_days(case.age or ""), UnseenLooks.load().of(case.truths[0])
    scores = dropped.rank(findings, references, sex=case_sex(case), age_days=age, looks=looks)
    shown = fuse(
        scores.total,
        None,
        observed=observed_count(scores.findings),
        prior=np.ones(len(graph.disease_ids)),
        weights=FusionWeights.load(),
        shown_as=shown_as,
    ).shown
    truth = int(shown_as[graph.disease_number(case.truths[0])])
    gaps = gaps_below_first(best_of_ids(scores.total, shown_as)).astype(np.float32)
    first = int(shown.argmax())
    return _Seen(case.truths[0], truth, gaps, float(shown[first]), first == truth, scores.strongest)

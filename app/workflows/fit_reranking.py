"""Learns the ranking's second and third look, cross-validated by disease, publication, gene and series.

The first look keeps its weights (`fit_ranking` learns them). Each case is learned from with its own
publication, and without while its rivals have lost as much (`lost_rows`), once as it is and once without the
counts of rows that it shares; it is measured so, and without its publication alone. So is a patient of each
other disease that an article describes (`article_patients`), but never measured. Only candidates of the
truth's own source are compared.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.clinical.age import iso_duration_days
from app.errors import UsageError
from app.workflows.estimate_shares import Shares, estimate_shares, few_of_each, grouped_folds
from app.workflows.evaluate_cases import Case, case_findings, case_sex, id_spaces, origin_of
from knowledge_graph.cohort.article_patients import article_patients
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.kinship import series_stem
from knowledge_graph.ranking.candidate_features import candidate_features
from knowledge_graph.ranking.context import context_ratios
from knowledge_graph.ranking.dropped_publication import DroppedPublication, SharedRows
from knowledge_graph.ranking.looks_fitting import Taught
from knowledge_graph.ranking.lost_rows import with_lost_rows
from knowledge_graph.ranking.rank import asked_of, distinct_findings, first_look
from knowledge_graph.ranking.rerank_fitting import LookedAt
from knowledge_graph.ranking.reranking import REBUILD, LearnedLooks, candidates
from knowledge_graph.ranking.unseen_looks import FILE, UnseenLooks

FOLDS = 5
WORLDS = 4  # ways in which the rivals lose rows
OF_A_DISEASE = 4  # cases learned from and measured on
WAYS = ("keep", "drop", "uncounted", "fair", "fair_uncounted")
TAUGHT = ("keep", "fair", "fair_uncounted")
Progress = Callable[[str], object]
Looks = dict[str, list[LookedAt]]
_SHARED = (SharedRows.KEPT, SharedRows.UNCOUNTED)


@dataclass(frozen=True, slots=True)
class RerankingFit:
    """Both looks from the cases drawn; shares from folds that had seen nothing of a case's `kin_labels`.

    `keep` with the own publication; `drop` without, but for rows that it shares; `uncounted` with these said
    without a frequency; `fair` and `fair_uncounted` the same while the rivals have lost as much.
    """

    looks: LearnedLooks
    unseen: UnseenLooks
    cases: int
    described: int
    keep: Shares
    drop: Shares
    uncounted: Shares
    fair: Shares
    fair_uncounted: Shares


def taught_cases(graph: CompiledGraph, cases: Iterable[Case]) -> list[Case]:
    """Of the cases of known diseases those that `fit_second_look` learns from: some of each disease."""
    known = [case for case in cases if case.truths[0] in graph.disease_index]
    return [known[i] for i in few_of_each([case.truths[0] for case in known], OF_A_DISEASE)]


def fit_second_look(graph: CompiledGraph, cases: Iterable[Case], *, progress: Progress) -> RerankingFit:
    """Fit on the cases whose disease the knowledge has. Raises UsageError where there are too few."""
    if find_spec("sklearn") is None:
        raise UsageError(
            "learning the second look needs scikit-learn; in a checkout: python3 installer/bootstrap.py setup"
        )
    every = list(cases)
    known = taught_cases(graph, every)
    if len({case.truths[0] for case in known}) < FOLDS:
        raise UsageError(f"the cases name fewer than {FOLDS} diseases of this knowledge; bring more")
    progress(f"scoring {len(known)} cases, {len(WAYS)} times each")
    looks = _looks(graph, known, WAYS)
    told = described_cases(graph, every)
    progress(f"scoring {len(told)} patients of other diseases, {len(TAUGHT)} times each")
    described = _looks(graph, told, TAUGHT)
    labels = [kin_labels(graph, case) for case in known]
    fold = grouped_folds(labels, FOLDS)
    kin = _kin_folds(labels, fold, [kin_labels(graph, case) for case in told])
    taught = Taught(
        [pair for way in TAUGHT for pair in zip(looks[way], fold, strict=True)],
        [pair for way in TAUGHT for pair in zip(described[way], kin, strict=True)],
    )
    learned = []
    for held in range(FOLDS):
        progress(f"cross-validating, fold {held + 1} of {FOLDS}")
        learned.append(taught.looks(held))
    ranks = {
        way: np.array([look.rank(learned[own]) for look, own in zip(looks[way], fold, strict=True)])
        for way in WAYS
    }
    diseases = [case.truths[0] for case in known]
    shares = {way: estimate_shares(ranks[way], diseases) for way in WAYS}
    progress("fitting on all cases")
    unseen = UnseenLooks(tuple(learned), dict(zip(diseases, fold, strict=True)))
    return RerankingFit(taught.looks(), unseen, len(known), len(told), **shares)


def kin_labels(graph: CompiledGraph, case: Case) -> tuple[str, ...]:
    """What two cases may have in common: the disease, a publication, a gene, the series of diseases."""
    disease = graph.disease_number(case.truths[0])
    stem = series_stem(graph.disease_names[disease])
    series = (f"series {stem}",) if stem else ()
    return (case.truths[0], *sorted(case.publications), *graph.genes[disease], *series)


def _kin_folds(
    labels: Sequence[Sequence[str]], fold: Sequence[int], others: Sequence[Sequence[str]]
) -> list[frozenset[int]]:
    """For each of the others the folds that have a label of it."""
    where: dict[str, set[int]] = {}
    for own, number in zip(labels, fold, strict=True):
        for label in own:
            where.setdefault(label, set()).add(number)
    return [frozenset(number for label in own for number in where.get(label, ())) for own in others]


def described_cases(graph: CompiledGraph, cases: Iterable[Case]) -> list[Case]:
    """A patient of each disease that an article describes, but none of a disease or article of the cases."""
    told = list(cases)
    diseases = {truth for case in told for truth in case.truths}
    articles = {publication for case in told for publication in case.publications}
    found = [
        Case(disease_id=one.disease_id, observed=list(one.observed), refs=list(one.publications))
        for one in article_patients(graph, rng=np.random.default_rng(0))
        if one.disease_id not in diseases and articles.isdisjoint(one.publications)
    ]
    return [found[place] for place in few_of_each([case.disease_id for case in found], 1)]


def write_reranking(path: Path, fit: RerankingFit, *, cases: Path, knowledge: str) -> None:
    """Write the looks with where they come from, and beside them those that have not seen a fold."""
    about = (
        f"Learned on {fit.cases} cases, up to {OF_A_DISEASE} a disease ({origin_of(cases)}), "
        f"and {fit.described} patients of other diseases drawn from articles' annotations, "
        f"with HPO {knowledge}. Rebuild: {REBUILD} resources/ranking/{path.name} --cases F"
    )
    path.write_bytes(replace(fit.looks, trees=replace(fit.looks.trees, about=about)).to_file())
    path.with_name(FILE).write_bytes(fit.unseen.to_file())


def _looks(graph: CompiledGraph, known: Sequence[Case], ways: Sequence[str]) -> Looks:
    spaces = id_spaces(graph)
    counted, uncounted = ([DroppedPublication(graph, shared=how)] for how in _SHARED)
    fair, fair_uncounted = (_poorer(graph, known, how) for how in _SHARED)
    asked = {
        "keep": counted,
        "drop": counted,
        "uncounted": uncounted,
        "fair": fair,
        "fair_uncounted": fair_uncounted,
    }
    looks: Looks = {way: [] for way in ways}
    for place, case in enumerate(known):
        rivals = spaces[case.truths[0].split(":")[0]]
        for way, found in looks.items():
            dropped = asked[way][place % len(asked[way])]
            own = set() if way == "keep" else case.publications
            found.append(_looked_at(dropped, case, own, rivals))
    return looks


def _poorer(graph: CompiledGraph, known: Sequence[Case], shared: SharedRows) -> list[DroppedPublication]:
    """Worlds in which the rivals have lost as much as the cases' diseases lose without their publications."""
    plain = DroppedPublication(graph, shared=shared)
    lost = [plain.named_share(graph.disease_number(c.truths[0]), c.publications) for c in known]
    worlds = range(WORLDS if known else 0)
    poorer = [with_lost_rows(graph, lost, rng=np.random.default_rng(world)) for world in worlds]
    return [DroppedPublication(graph, rivals=rivals, shared=shared) for rivals in poorer]


def _looked_at(
    dropped: DroppedPublication, case: Case, references: set[str], rivals: npt.NDArray[np.bool_]
) -> LookedAt:
    graph, truth = dropped.graph, dropped.graph.disease_number(case.truths[0])
    findings = distinct_findings(graph, case_findings(graph, case)[0])
    parts = dropped.parts(findings, references, whole=[truth])
    context = context_ratios(graph, sex=case_sex(case), age_days=iso_duration_days(case.age or ""))
    first = first_look(graph, findings, parts, context=context)
    asked = asked_of(graph, first, features=parts.features)
    chosen = candidates(graph, asked)
    chosen = chosen[rivals[chosen]]
    place = np.flatnonzero(chosen == truth)
    return LookedAt(
        case.truths[0],
        candidate_features(graph, asked, chosen),
        asked.fixed[chosen],
        int(place[0]) if len(place) else None,
    )

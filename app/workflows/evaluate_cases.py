"""Measures the ranking on published cases with a known diagnosis (a JSON object a line, gzip or not).

A case's rank is 1 + the number of diseases scored higher + half of those scored equal. Ranked
against each other are the diseases of the id space that the case's diagnosis belongs to (OMIM for
OMIM), and for a diagnosis of HPO also those of every pack. With a prior, ranked is what graph and prior say
together. A case whose disease the knowledge lacks can't be ranked: it counts as missed.
"""

import codecs
import gzip
import hashlib
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from app.clinical.age import iso_duration_days
from app.errors import UsageError
from app.workflows.estimate_shares import estimate_shares
from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Finding, FindingState, Sex, observed_count
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import consistent
from knowledge_graph.ranking.dropped_publication import DroppedPublication, SharedRows
from knowledge_graph.ranking.rank import GraphScores, rank
from knowledge_graph.ranking.ranker import DEFAULT_RANKER, RANKERS
from knowledge_graph.rules.constraints import constraint_share
from knowledge_graph.rules.rule import RuleBook

MISSED = 10**9
Floats64 = npt.NDArray[np.float64]


class Case(msgspec.Struct):
    """One published person: HPO ids, what is known of her, and the diagnosis.

    Or a `text` instead of findings, in a `style`; its diagnosis may be an everyday `label`.
    """

    disease_id: str = ""
    disease_ids: list[str] = msgspec.field(default_factory=list)
    observed: list[str] = msgspec.field(default_factory=list)
    excluded: list[str] = msgspec.field(default_factory=list)
    age: str | None = ""
    sex: str | None = "UNKNOWN"
    pmid: str | None = ""
    refs: list[str] = msgspec.field(default_factory=list)
    text: str = ""
    style: str = ""
    label: str = ""

    @property
    def truths(self) -> list[str]:
        """The ids that count as right."""
        return self.disease_ids or [self.disease_id]

    @property
    def publications(self) -> set[str]:
        """The case's own publications."""
        return {reference for reference in (self.pmid, *self.refs) if reference}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of cases (0 to 1) by rank of the true disease; `macro_*` weigh each disease alike.

    `intervals` holds the 95 % interval (low, high) of some of the shares, by name, over draws of diseases.

    `unknown_auroc`: how often a case whose disease the knowledge lacks looks less like any disease than one
    whose disease it has (area under the ROC curve); None where there are not both.
    """

    n: int
    not_in_knowledge: int
    unknown_terms: int
    top1: float
    top3: float
    top5: float
    top10: float
    mrr: float
    macro_top1: float
    macro_top10: float
    known_top1: float
    known_top10: float
    unknown_auroc: float | None
    ms_per_case: float
    intervals: dict[str, tuple[float, float]]


def read_cases(path: Path) -> Iterator[Case]:
    """Cases from a file. Raises UsageError with the line number."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield _case(line, f"{path.name}:{number}")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(
            f"the cases file {path} cannot be read; check the path and that it is whole"
        ) from error


def origin_of(cases: Path) -> str:
    """Which cases something was learned on: the file's name and its content's hash."""
    return f"{cases.name}, sha256 {hashlib.sha256(cases.read_bytes()).hexdigest()}"


def evaluate_cases(
    graph: CompiledGraph,
    cases: Iterator[Case],
    *,
    drop_own_publication: bool = False,
    shared_rows: SharedRows = SharedRows.KEPT,
    ranker: str = DEFAULT_RANKER,
    prior: "np.ndarray[tuple[int], np.dtype[np.float64]] | None" = None,
    rules: RuleBook | None = None,
) -> Accuracy:
    """Rank every case by the named one of RANKERS, joined with a prior where one is given, and count.

    What a case excludes though it observes it, or what implies it, is left out, as in a diagnosis.
    With `rules` a prior is joined as in a differential, the constraints of sex and age beside it.
    `shared_rows` says what becomes of rows that the own publication shares with others, where it is dropped.
    """
    dropped = DroppedPublication(graph, shared=shared_rows) if drop_own_publication else None
    ranking = _CaseRanking(graph, dropped, RANKERS[ranker], prior, rules)
    started = time.perf_counter()
    ranked = [ranking.of(case) for case in cases]
    if not ranked:
        raise UsageError("the cases file holds no case")
    elapsed = time.perf_counter() - started
    ranks = np.array([case.rank for case in ranked])
    return _accuracy(
        ranks,
        [case.disease for case in ranked],
        skipped=sum(case.unknown_terms for case in ranked),
        unlike=auroc(-np.array([case.strongest for case in ranked]), ranks >= MISSED),
        ms=1000 * elapsed / len(ranked),
    )


@dataclass(frozen=True, slots=True)
class _RankedCase:
    """Where a case's diagnosis came, and how much its findings look like any disease (`strongest`)."""

    disease: str
    rank: float
    strongest: float
    unknown_terms: int


class _CaseRanking:
    """Ranks one case after another; `dropped` leaves out what the case's own publication says."""

    def __init__(
        self,
        graph: CompiledGraph,
        dropped: DroppedPublication | None,
        ranker: Callable[[GraphScores], Floats],
        prior: Floats64 | None,
        rules: RuleBook | None,
    ) -> None:
        self._graph, self._dropped, self._ranker, self._prior, self._rules = (
            graph,
            dropped,
            ranker,
            prior,
            rules,
        )
        self._weights, self._spaces, self._shown_as = FusionWeights.load(), id_spaces(graph), leaders(graph)

    def of(self, case: Case) -> _RankedCase:
        """One case's ranking, at its truth."""
        written, unknown = case_findings(self._graph, case)
        findings = consistent(self._graph, written)
        sex, age = case_sex(case), iso_duration_days(case.age or "")
        if self._dropped is not None:
            scores = self._dropped.rank(findings, case.publications, sex=sex, age_days=age)
        else:
            scores = rank(self._graph, findings, sex=sex, age_days=age)
        joined = self._joined(self._ranker(scores), observed_count(findings), sex=sex, age_days=age)
        truths = case.truths
        place = rank_of_truth(self._graph, joined, truths, self._spaces)
        return _RankedCase(truths[0], place, scores.strongest, unknown)

    def _joined(self, score: Floats, observed: int, *, sex: Sex, age_days: int | None) -> Floats | Floats64:
        """With the prior, and then with the constraints of sex and age, as in a differential."""
        if self._prior is None:
            return score
        joined = fuse_prior(score, observed, self._prior, self._weights)
        if self._rules is None:
            return joined
        held = constraint_share(self._graph, self._rules, sex=sex, age_days=age_days, shown_as=self._shown_as)
        return joined + held.share


def fuse_prior(
    score: Floats,
    observed: int,
    prior: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    weights: FusionWeights,
) -> Floats64:
    """The graph's score and the prior as the differential joins them where there is no text."""
    joined: Floats64 = weights.of_graph(observed, with_text=False) * score + weights.prior * np.log(prior)
    return joined


def case_findings(graph: CompiledGraph, case: Case) -> tuple[list[Finding], int]:
    """The case's findings with current ids, and how many ids the ontology does not know."""
    findings: list[Finding] = []
    unknown = 0
    for state, terms in ((FindingState.OBSERVED, case.observed), (FindingState.EXCLUDED, case.excluded)):
        for term in terms:
            try:
                findings.append(Finding(graph.resolve(term), state))
            except UnknownTerm:
                unknown += 1
    return findings, unknown


def rank_of_truth(
    graph: CompiledGraph,
    scores: Floats | Floats64,
    truths: list[str],
    spaces: dict[str, "np.ndarray[tuple[int], np.dtype[np.bool_]]"],
) -> float:
    """Best rank among the right ids, ties shared; MISSED where the knowledge has none of them."""
    best = float(MISSED)
    for truth in truths:
        number = graph.disease_index.get(truth)  # type: ignore[call-overload]
        if number is not None:
            rivals = scores[spaces[truth.split(":")[0]]]
            own = scores[number]
            best = min(best, float(1 + (rivals > own).sum() + ((rivals == own).sum() - 1) / 2))
    return best


def auroc(
    scores: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    positive: "np.ndarray[tuple[int], np.dtype[np.bool_]]",
) -> float | None:
    """How often a positive case scores higher than a negative one, ties half; None without both."""
    if positive.all() or not positive.any():
        return None
    others = np.sort(scores[~positive])
    below, not_above = (np.searchsorted(others, scores[positive], side) for side in ("left", "right"))
    return float(((below + not_above) / 2).mean() / len(others))


def _case(line: bytes, where: str) -> Case:
    try:
        case = msgspec.json.decode(line.removeprefix(codecs.BOM_UTF8), type=Case)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        said = str(error) if isinstance(error, msgspec.MsgspecError) else "not plain UTF-8 JSON"
        raise UsageError(f"{where}: not a case ({said}); see `anamnesis evaluate --help`") from error
    if not any((*case.truths, case.label)):
        raise UsageError(f"{where}: neither disease_id nor disease_ids is given")
    return case


def case_sex(case: Case) -> Sex:
    """The case's sex; unknown where it is none of GA4GH's values."""
    named = (case.sex or "").upper()
    return Sex(named) if named in set(Sex) else Sex.UNKNOWN


def id_spaces(graph: CompiledGraph) -> dict[str, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """Which diseases are ranked against those of OMIM, ORPHA and so on: a mask (n_diseases,) for each."""
    spaces = {p: np.array([q == p for q in graph.spaces]) for p in set(graph.spaces)}
    packs = [spaces[p] for p in graph.pack_spaces & spaces.keys()]
    return {
        p: mask if p in graph.pack_spaces else np.logical_or.reduce([mask, *packs])
        for p, mask in spaces.items()
    }


def _accuracy(
    ranks: "np.ndarray[tuple[int], np.dtype[np.float64]]",
    diseases: list[str],
    *,
    skipped: int,
    unlike: float | None,
    ms: float,
) -> Accuracy:
    known = ranks[ranks < MISSED]
    shares = estimate_shares(ranks, diseases)
    return Accuracy(
        n=len(ranks),
        not_in_knowledge=int((ranks >= MISSED).sum()),
        unknown_terms=skipped,
        top1=float((ranks <= 1).mean()),
        top3=float((ranks <= 3).mean()),
        top5=float((ranks <= 5).mean()),
        top10=float((ranks <= 10).mean()),
        mrr=float((1 / ranks).mean()),
        macro_top1=shares.macro_top1.value,
        macro_top10=shares.macro_top10.value,
        known_top1=float((known <= 1).mean()) if len(known) else 0.0,
        known_top10=float((known <= 10).mean()) if len(known) else 0.0,
        unknown_auroc=unlike,
        ms_per_case=ms,
        intervals={
            field.name: (share.low, share.high)
            for field in fields(shares)
            for share in [getattr(shares, field.name)]
        },
    )

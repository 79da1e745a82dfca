"""Ranks every disease of the knowledge for a patient's findings, sex and age."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.arrays import Floats, Ints, highest
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.borrowing import borrowed
from knowledge_graph.ranking.candidate_features import Asked
from knowledge_graph.ranking.context import context_ratios
from knowledge_graph.ranking.denial import Denials, denials
from knowledge_graph.ranking.exclusion import Exclusion
from knowledge_graph.ranking.likelihood_ratio import likelihood_ratios
from knowledge_graph.ranking.profile_fit import FitWeights, direction, picture_of
from knowledge_graph.ranking.reranking import LearnedLooks, second_look


class Parts(NamedTuple):
    """What annotations say of the findings, before kin are heard and anything is weighed.

    `own` (n_findings, n_diseases): log ratios; `features` (7, n_diseases): the picture as a whole; `denied`:
    what the diseases are said not to show.
    """

    own: Floats
    features: Floats
    denied: Denials


@dataclass(frozen=True, slots=True)
class GraphScores:
    """Natural-log likelihood ratios and what they add up to.

    `own` (n_findings, n_diseases) is what the annotations of what each disease shows say of a finding and
    `per_finding` the same with its kin heard and what it is said not to show; `context` (n_diseases,) is for
    sex and age, `fit` for the picture as a whole, `moved` for the second look. `total` (n_diseases,) = sum of
    per_finding + context + fit + moved. `strongest` is what the second look says of its best candidate,
    comparable between patients: -inf where it did not look.
    """

    findings: tuple[Finding, ...]
    own: Floats
    per_finding: Floats
    context: Floats
    fit: Floats
    moved: Floats
    total: Floats
    strongest: float = float("-inf")

    def best(self, count: int) -> Ints:
        """Numbers of the highest-scoring diseases, best first; equal scores in disease order."""
        return highest(self.total, count).astype(np.int32)


def rank(
    graph: CompiledGraph,
    findings: Sequence[Finding],
    *,
    sex: Sex = Sex.UNKNOWN,
    age_days: int | None = None,
) -> GraphScores:
    """Score every disease. Findings named twice count once. Raises UnknownTerm."""
    distinct = distinct_findings(graph, findings)
    context = context_ratios(graph, sex=sex, age_days=age_days)
    return joined(graph, distinct, parts_of(graph, distinct), context=context)


def parts_of(
    graph: CompiledGraph, findings: tuple[Finding, ...], exclusion: Exclusion | None = None
) -> Parts:
    """What the graph's annotations say of distinct findings; what is excluded as `exclusion` says."""
    return Parts(
        likelihood_ratios(graph, findings, exclusion),
        picture_of(graph, observed_terms(graph, findings)),
        denials(graph, findings),
    )


def joined(
    graph: CompiledGraph,
    findings: tuple[Finding, ...],
    parts: Parts,
    *,
    context: Floats,
    looks: LearnedLooks | None = None,
) -> GraphScores:
    """Hear the kin, weigh the features, add up, look again at the best; by the shipped looks, or others."""
    first = first_look(graph, findings, parts, context=context)
    if not observed_terms(graph, findings):
        return first
    asked = asked_of(graph, first, features=parts.features)
    moved, strongest = second_look(graph, asked, looks or LearnedLooks.load())
    return replace(first, moved=moved, total=first.total + moved, strongest=strongest)


def first_look(
    graph: CompiledGraph,
    findings: tuple[Finding, ...],
    parts: Parts,
    *,
    context: Floats,
) -> GraphScores:
    """The scores before any disease is looked at again."""
    seen = _seen(findings)
    per_finding = borrowed(graph, parts.own, seen)
    parts.denied.cap(per_finding)
    nothing = np.zeros_like(context)
    fit = FitWeights.load().share(parts.features) if seen.any() else nothing
    return GraphScores(
        findings, parts.own, per_finding, context, fit, nothing, per_finding.sum(axis=0) + context + fit
    )


def asked_of(graph: CompiledGraph, first: GraphScores, *, features: Floats) -> Asked:
    """What the second look needs of the first."""
    seen, observed = _seen(first.findings), observed_terms(graph, first.findings)
    return Asked(
        own=first.own[seen],
        kin=_sum_of(first.per_finding, seen),
        picture=features,
        fixed=first.context + _sum_of(first.per_finding, ~seen),
        ratios=first.total - first.fit,
        total=first.total,
        information=graph.information[observed],
        direction=direction(graph, observed),
    )


def _sum_of(table: Floats, rows: npt.NDArray[np.bool_]) -> Floats:
    """The sum of some rows, which are not copied for it: (n_columns,)."""
    total = np.zeros(table.shape[1], table.dtype)
    for row in np.flatnonzero(rows).tolist():
        total += table[row]
    return total


def _seen(findings: Sequence[Finding]) -> npt.NDArray[np.bool_]:
    return np.array([f.state is FindingState.OBSERVED for f in findings], bool)


def observed_terms(graph: CompiledGraph, findings: Sequence[Finding]) -> list[int]:
    """Numbers of the observed terms."""
    return [graph.term_index[f.term_id] for f in findings if f.state is FindingState.OBSERVED]


def distinct_findings(graph: CompiledGraph, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Current ids, each term and state once, in the order given."""
    seen: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        term = graph.resolve(finding.term_id)
        seen.setdefault((term, finding.state), Finding(term, finding.state, finding.onset_days))
    return tuple(seen.values())

"""Ranks every disease of the knowledge for a patient's findings, sex and age."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.context import context_ratios
from knowledge_graph.ranking.likelihood_ratio import likelihood_ratios


@dataclass(frozen=True, slots=True)
class GraphScores:
    """Natural-log likelihood ratios and what they add up to.

    `per_finding` (n_findings, n_diseases), `context` (n_diseases,) for sex and age, `total`
    (n_diseases,) their sum.
    """

    findings: tuple[Finding, ...]
    per_finding: Floats
    context: Floats
    total: Floats

    def best(self, count: int) -> Ints:
        """Numbers of the highest-scoring diseases, best first; equal scores in disease order."""
        order: Ints = np.argsort(-self.total, kind="stable")[:count].astype(np.int32)
        return order


def rank(
    graph: CompiledGraph,
    findings: Sequence[Finding],
    *,
    sex: Sex = Sex.UNKNOWN,
    age_days: int | None = None,
) -> GraphScores:
    """Score every disease. Findings named twice count once. Raises UnknownTerm."""
    distinct = distinct_findings(graph, findings)
    per_finding = likelihood_ratios(graph, distinct)
    context = context_ratios(graph, sex=sex, age_days=age_days)
    return GraphScores(distinct, per_finding, context, per_finding.sum(axis=0) + context)


def distinct_findings(graph: CompiledGraph, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Current ids, each term and state once, in the order given."""
    seen: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        term = graph.resolve(finding.term_id)
        seen.setdefault((term, finding.state), Finding(term, finding.state, finding.onset_days))
    return tuple(seen.values())

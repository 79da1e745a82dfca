"""Likelihood ratio of each finding for each disease, with inexact matches through the ontology.

After Robinson et al. 2020 (LIRICAL, AJHG 107:403). For an observed term q and a disease d the
ratio is the largest of
- P(q | d) / background(q), where d shows q or something below it,
- ANCESTOR_SHARE times the best P(a | d) / background(a) over the ancestors a of q: the disease
  shows something near it,
- FLOOR: the finding may be incidental.
What an excluded term says stands in `exclusion`.
"""

from collections.abc import Sequence

import numpy as np

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.exclusion import Exclusion
from knowledge_graph.ranking.profile_fit import FitWeights

ANCESTOR_SHARE = 0.2
FLOOR = 0.02


def likelihood_ratios(
    graph: CompiledGraph, findings: Sequence[Finding], exclusion: Exclusion | None = None
) -> Floats:
    """Natural-log likelihood ratio of each finding for each disease: (n_findings, n_diseases).

    What is excluded speaks as `exclusion` says, or as shipped.
    """
    said = exclusion or FitWeights.load().exclusion
    table = np.empty((len(findings), len(graph.disease_ids)), np.float32)
    terms = [graph.term_number(finding.term_id) for finding in findings]
    observed = [t for t, f in zip(terms, findings, strict=True) if f.state is FindingState.OBSERVED]
    shared = _shared_ancestors(graph, observed)
    least = _near_ratio(graph, shared, np.full(len(graph.disease_ids), FLOOR, np.float32), term=-1)
    for row, term, finding in zip(table, terms, findings, strict=True):
        row[:] = (
            np.log(_near_ratio(graph, set(graph.ancestors[term].tolist()) - shared, least.copy(), term=term))
            if finding.state is FindingState.OBSERVED
            else excluded_row(graph, term, said)
        )
        speaking = graph.speaks_of(term)
        if speaking is not None:  # a pack's own term: elsewhere nobody was asked
            row[~speaking] = 0.0 if finding.state is FindingState.EXCLUDED else np.maximum(row[~speaking], 0)
    return table


def _shared_ancestors(graph: CompiledGraph, observed: Sequence[int]) -> set[int]:
    """Ancestors that all observed terms have, none of them a finding: most diseases show them."""
    above = [set(graph.ancestors[term].tolist()) for term in observed]
    return set.intersection(*above) - set(observed) if above else set()


def _near_ratio(graph: CompiledGraph, ancestors: set[int], best: Floats, *, term: int) -> Floats:
    """The largest ratio of the term and these of its ancestors, no less than `best`, which is written to."""
    profiles, shown_by, common = graph.profiles, graph.shown_by, graph.common_terms
    for ancestor in ancestors:
        span = slice(int(profiles.indptr[ancestor]), int(profiles.indptr[ancestor + 1]))
        if span.start < span.stop:
            share = 1.0 if ancestor == term else ANCESTOR_SHARE
            weight = np.float32(share / profiles.background[ancestor])
            whole = common.row(ancestor)
            if whole is not None:
                np.maximum(best, whole * weight, out=best)
                continue
            diseases = shown_by[span]
            near = best.take(diseases, mode="clip")
            best[diseases] = np.maximum(near, profiles.probability[span] * weight)
    return best


def excluded_row(graph: CompiledGraph, term: int, exclusion: Exclusion) -> Floats:
    """log ratio of one excluded term for every disease: (n_diseases,)."""
    usual = exclusion.log_of(graph.profiles.background[term : term + 1])
    row = np.full(len(graph.disease_ids), -usual[0], np.float32)
    diseases, probability = graph.profiles.of_term(term)
    row[diseases] += exclusion.log_of(probability)
    return row


def profile_ratios(
    graph: CompiledGraph,
    terms: Ints,
    probability: Floats,
    findings: Sequence[Finding],
    *,
    exclusion: Exclusion,
) -> Floats:
    """The same ratios for one profile given by hand (terms with P, ancestors included): (n_findings,).

    Used where a disease's rows differ from the graph's, as when a case's own publication is
    dropped; written for one disease, it is also the obvious reference for the fast path.
    """
    shown = dict(zip(terms.tolist(), probability.tolist(), strict=True))
    background = graph.profiles.background
    ratios = np.empty(len(findings), np.float32)
    for i, finding in enumerate(findings):
        term = graph.term_number(finding.term_id)
        if finding.state is FindingState.EXCLUDED:
            own, usual = exclusion.log_of(np.array([shown.get(term, 0.0), background[term]], np.float32))
            ratios[i] = own - usual
            continue
        near = [
            shown[a] / background[a] * (1.0 if a == term else ANCESTOR_SHARE)
            for a in graph.ancestors[term].tolist()
            if a in shown and background[a] > 0
        ]
        ratios[i] = np.log(max([FLOOR, *near]))
    return ratios

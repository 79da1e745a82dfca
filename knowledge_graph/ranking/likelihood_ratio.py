"""Likelihood ratio of each finding for each disease, with inexact matches through the ontology.

After Robinson et al. 2020 (LIRICAL, AJHG 107:403). For an observed term q and a disease d the
ratio is the largest of
- P(q | d) / background(q), where d shows q or something below it,
- ANCESTOR_SHARE times the best P(a | d) / background(a) over the ancestors a of q: the disease
  shows something near it,
- FLOOR: the finding may be incidental.
For an excluded term the ratio is (1 - P(q | d)) / (1 - background(q)) to the power EXCLUDED_WEIGHT,
a compromise: publications list as excluded what others in their cohort have, so that on the development
cases, own publication dropped, weights 0.02, 0.1, 0.2 and 0.5 give top-1 41.4, 41.2, 40.8 and 39.8 %
of the known; a clinician who excludes a finding means it.
"""

from collections.abc import Sequence

import numpy as np

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph

ANCESTOR_SHARE = 0.2
FLOOR = 0.02
EXCLUDED_WEIGHT = 0.1
LARGEST_PROBABILITY = 0.98


def likelihood_ratios(graph: CompiledGraph, findings: Sequence[Finding]) -> Floats:
    """Natural-log likelihood ratio of each finding for each disease: (n_findings, n_diseases)."""
    table = np.empty((len(findings), len(graph.disease_ids)), np.float32)
    terms = [graph.term_number(finding.term_id) for finding in findings]
    observed = [t for t, f in zip(terms, findings, strict=True) if f.state is FindingState.OBSERVED]
    shared = _shared_ancestors(graph, observed)
    least = _near_ratio(graph, shared, np.full(len(graph.disease_ids), FLOOR, np.float32), term=-1)
    for row, term, finding in zip(table, terms, findings, strict=True):
        row[:] = (
            np.log(_near_ratio(graph, set(graph.ancestors[term].tolist()) - shared, least.copy(), term=term))
            if finding.state is FindingState.OBSERVED
            else excluded_row(graph, term)
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


def excluded_row(graph: CompiledGraph, term: int) -> Floats:
    """log ratio of one excluded term for every disease: (n_diseases,)."""
    row = np.zeros(len(graph.disease_ids), np.float32)
    background = min(float(graph.profiles.background[term]), LARGEST_PROBABILITY)
    row -= np.float32(EXCLUDED_WEIGHT * np.log1p(-background))
    diseases, probability = graph.profiles.of_term(term)
    shown = np.minimum(probability, LARGEST_PROBABILITY)
    row[diseases] += np.float32(EXCLUDED_WEIGHT) * np.log1p(-shown)
    return row


def profile_ratios(
    graph: CompiledGraph, terms: Ints, probability: Floats, findings: Sequence[Finding]
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
            own = min(shown.get(term, 0.0), LARGEST_PROBABILITY)
            usual = min(float(background[term]), LARGEST_PROBABILITY)
            ratios[i] = EXCLUDED_WEIGHT * (np.log1p(-own) - np.log1p(-usual))
            continue
        near = [
            shown[a] / background[a] * (1.0 if a == term else ANCESTOR_SHARE)
            for a in graph.ancestors[term].tolist()
            if a in shown and background[a] > 0
        ]
        ratios[i] = np.log(max([FLOOR, *near]))
    return ratios

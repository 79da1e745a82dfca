"""Why a disease stands where it does: what each finding says of it, and what was not yet asked.

The parts add up: the sum of `log_likelihood_ratio` over the evidence plus the shares of the context
(sex, age) and of the fit (the picture as a whole) is the disease's total score.
"""

import math
from dataclasses import dataclass

import numpy as np

from knowledge_graph.graph.arrays import Ints, Places
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import settled_terms
from knowledge_graph.ranking.borrowing import lender
from knowledge_graph.ranking.rank import GraphScores
from knowledge_graph.rationale.evidence import SERIES, Evidence
from knowledge_graph.terms.term import TermId


@dataclass(frozen=True, slots=True)
class ExpectedFinding:
    """A finding that the disease often shows and that nobody has asked about yet."""

    term_id: TermId
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class _OwnTerms:
    """The terms that a disease's rows say it shows, each with its rows' (frequency, reference), as texts.

    For each term (n_terms,) `first_below` is the first of them at or below, or -1.
    """

    said: dict[int, list[tuple[str, str]]]
    first_below: Ints

    @classmethod
    def of(cls, graph: CompiledGraph, disease: int) -> "_OwnTerms":
        rows, texts = graph.associations, graph.texts
        span = rows.rows_of(disease)
        columns = (rows.term, rows.excluded, rows.frequency, rows.reference)
        said: dict[int, list[tuple[str, str]]] = {}
        for term, excluded, how_often, who in zip(*(c[span].tolist() for c in columns), strict=True):
            if not excluded:
                said.setdefault(term, []).append((texts[how_often], texts[who]))
        return cls(said, _first_below(graph, np.fromiter(said, np.intp, len(said))))


def _first_below(graph: CompiledGraph, terms: Places) -> Ints:
    """For each term (n_terms,), the first of these that is it or lies below it; -1 where none does."""
    ends = graph.ancestors.indptr
    lengths = ends[terms + 1] - ends[terms]
    inside = np.repeat(ends[terms] - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    first = np.full(len(graph.term_ids), -1, np.int32)
    first[graph.ancestors.values[inside][::-1]] = np.repeat(terms, lengths)[::-1]  # the last one stays
    return first


def explain(graph: CompiledGraph, scores: GraphScores, disease_id: str) -> tuple[Evidence, ...]:
    """Evidence for one disease, strongest first. Raises UnknownDisease."""
    disease = graph.disease_number(disease_id)
    own: dict[int, _OwnTerms] = {}
    evidence = [_evidence(graph, scores, row, disease, own) for row in range(len(scores.findings))]
    return tuple(sorted(evidence, key=lambda e: -e.log_likelihood_ratio))


def not_yet_asked(
    graph: CompiledGraph, scores: GraphScores, disease_id: str, *, count: int = 5
) -> tuple[ExpectedFinding, ...]:
    """Findings the disease shows most often that are neither known, implied nor excluded."""
    disease = graph.disease_number(disease_id)
    terms, frequency = graph.signatures.of_disease(disease)
    settled = settled_terms(graph, scores.findings)
    order = np.argsort(-frequency, kind="stable")
    open_terms = order[~settled[terms[order]]]
    return tuple(
        ExpectedFinding(graph.term_ids[terms[i]], graph.term_names[terms[i]], float(frequency[i]))
        for i in open_terms[:count].tolist()
    )


def _evidence(
    graph: CompiledGraph, scores: GraphScores, row: int, disease: int, own: dict[int, _OwnTerms]
) -> Evidence:
    """`own` keeps what was worked out for a disease, for the next finding."""
    finding = scores.findings[row]
    term = graph.term_index[finding.term_id]
    lent, speaker = _speaker(graph, scores, row, disease)
    if speaker is not None and speaker not in own:
        own[speaker] = _OwnTerms.of(graph, speaker)
    matched = None if speaker is None else _best_match(graph, term, own[speaker])
    said = [] if matched is None or speaker is None else own[speaker].said[matched]
    return Evidence(
        term_id=finding.term_id,
        name=graph.term_names[term],
        state=finding.state,
        log_likelihood_ratio=float(scores.per_finding[row, disease]),
        matched_term_id=None if matched is None else graph.term_ids[matched],
        matched_name="" if matched is None else graph.term_names[matched],
        frequency=", ".join(dict.fromkeys(how_often for how_often, _ in said if how_often)),
        references=tuple(dict.fromkeys(who for _, who in said)),
        borrowed_from=lent,
    )


def _speaker(graph: CompiledGraph, scores: GraphScores, row: int, disease: int) -> tuple[str, int | None]:
    """From whom a ratio is borrowed ("" for its own), and whose rows are its source (None: many)."""
    counted = float(scores.per_finding[row, disease])
    if math.isclose(counted, float(scores.own[row, disease]), rel_tol=1e-5, abs_tol=1e-6):
        return "", disease
    kin, ratio = lender(graph, scores.own[row], disease)
    if kin is not None and math.isclose(counted, ratio, rel_tol=1e-5, abs_tol=1e-4):
        return graph.disease_ids[kin], kin
    return SERIES, None


def _best_match(graph: CompiledGraph, term: int, own: _OwnTerms) -> int | None:
    """The disease's own term nearest to a finding: itself, else below it, else under a near ancestor."""
    if term in own.said:
        return term
    for ancestor in graph.ancestors[term][::-1].tolist():  # the term itself, then upwards
        below = int(own.first_below[ancestor])
        if below >= 0 and graph.profiles.background[ancestor] < 0.5:
            return below
    return None

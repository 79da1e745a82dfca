"""What a disease is said not to show: an observed finding speaks no better for it than that allows.

A row that says NOT, 0 of m or 0 % denies its term, and with it all that lies below (the true path rule),
unless the disease is said elsewhere to show the term. No kin speaks over it.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.arrays import Floats, Places
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.denied import Denied


@dataclass(frozen=True, slots=True)
class Denials:
    """Places in (n_findings, n_diseases), and the largest log ratio (n,) that each may have."""

    finding: Places
    disease: Places
    ratio: Floats

    def cap(self, table: Floats) -> None:
        """Lower in place what is larger."""
        np.minimum.at(table, (self.finding, self.disease), self.ratio)


@dataclass(frozen=True, slots=True)
class DeniedPairs:
    """Terms at or below denied ones, ascending, each with a disease that denies it: each pair once.

    `ratio` is the largest log ratio that an observed finding may have there; all (n,).
    """

    term: Places
    disease: Places
    ratio: Floats


def denied_pairs(
    graph: CompiledGraph, denied: Denied, *, shown: Mapping[int, Set[int]] | None = None
) -> DeniedPairs:
    """What `denied` says of all terms; what the diseases in `shown` show is not denied."""
    found = []
    for above in denied.spans:
        below = graph.descendants[above]
        for disease, ratio in zip(*_told(denied, above, shown or {}), strict=True):
            found.append((below, disease, ratio))
    counts = [len(below) for below, _, _ in found]
    terms = np.concatenate([np.zeros(0, np.intp), *(below for below, _, _ in found)])
    diseases = np.repeat(np.array([disease for _, disease, _ in found], np.intp), counts)
    ratios = np.repeat(np.array([ratio for _, _, ratio in found], np.float32), counts)
    order = np.lexsort((ratios, diseases, terms))
    terms, diseases, ratios = terms[order], diseases[order], ratios[order]
    first = (np.diff(terms, prepend=-1) != 0) | (np.diff(diseases, prepend=-1) != 0)
    return DeniedPairs(terms[first], diseases[first], ratios[first])


def denials(graph: CompiledGraph, findings: Sequence[Finding]) -> Denials:
    """What the diseases deny of the observed findings."""
    return _of([(row, *graph.denied.of_term(above)) for row, above in _above(graph, findings, graph.denied)])


def denials_without(
    known: Denials,
    graph: CompiledGraph,
    findings: Sequence[Finding],
    *,
    denied: Denied,
    shown: Mapping[int, Set[int]],
) -> Denials:
    """The same where some diseases' rows differ: what these deny, and the terms that each of them shows."""
    others = ~np.isin(known.disease, list(shown))
    anew = []
    for row, above in _above(graph, findings, denied):
        anew.append((row, *_told(denied, above, shown)))
    more = _of(anew)
    return Denials(
        np.concatenate([known.finding[others], more.finding]),
        np.concatenate([known.disease[others], more.disease]),
        np.concatenate([known.ratio[others], more.ratio]),
    )


def _told(denied: Denied, term: int, shown: Mapping[int, Set[int]]) -> tuple[Places, Floats]:
    """The diseases that deny a term, and the log ratios, but for those that show it by `shown`."""
    diseases, ratio = denied.of_term(term)
    told = np.array([term not in shown.get(disease, ()) for disease in diseases.tolist()], np.bool_)
    return diseases[told], ratio[told]


def _above(graph: CompiledGraph, findings: Sequence[Finding], denied: Denied) -> Iterator[tuple[int, int]]:
    """The place of each observed finding, with each denied term that it is."""
    for row, finding in enumerate(findings):
        if finding.state is FindingState.OBSERVED:
            for above in graph.ancestors[graph.term_number(finding.term_id)].tolist():
                if above in denied.spans:
                    yield row, above


def _of(found: Sequence[tuple[int, Places, Floats]]) -> Denials:
    rows = np.array([row for row, _, _ in found], np.intp)
    counts = [len(diseases) for _, diseases, _ in found]
    return Denials(
        np.repeat(rows, counts),
        np.concatenate([np.zeros(0, np.intp), *(diseases for _, diseases, _ in found)]),
        np.concatenate([np.zeros(0, np.float32), *(ratio for _, _, ratio in found)]),
    )

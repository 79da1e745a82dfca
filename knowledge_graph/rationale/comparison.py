"""What tells diseases apart that nobody has asked about yet: expected findings with their share in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knowledge_graph.findings.finding import Finding
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import settled_terms
from knowledge_graph.terms.term import TermId


@dataclass(frozen=True, slots=True)
class ExpectedShare:
    """A finding and how often each of the diseases shows it (0 to 1); 0 where it is not annotated."""

    term_id: TermId
    name: str
    shares: tuple[float, ...]


def telling_apart(
    graph: CompiledGraph, findings: Sequence[Finding], diseases: Sequence[Sequence[int]], *, count: int = 8
) -> tuple[ExpectedShare, ...]:
    """Findings that are open and that the diseases show least alike, the widest gap first.

    A disease is given by the numbers of all its ids. Of equal gaps the more telling term comes first.
    Raises UnknownTerm.
    """
    own = np.unique(np.concatenate([graph.signatures.of_disease(d)[0] for ids in diseases for d in ids]))
    terms = own[~settled_terms(graph, findings)[own]]
    shares = np.array(
        [[max(_share(graph, term, d) for d in ids) for ids in diseases] for term in terms.tolist()]
    )
    if not len(terms):
        return ()
    gaps = shares.max(axis=1) - shares.min(axis=1)
    order = np.lexsort((-graph.information[terms], -np.round(gaps, 6)))[:count]
    return tuple(
        ExpectedShare(graph.term_ids[terms[i]], graph.term_names[terms[i]], tuple(shares[i].tolist()))
        for i in order.tolist()
        if gaps[i] > 0
    )


def _share(graph: CompiledGraph, term: int, disease: int) -> float:
    """P(term | disease) as annotated, anything below the term included."""
    shown, likely = graph.profiles.of_term(term)
    place = int(np.searchsorted(shown, disease))
    return float(likely[place]) if place < len(shown) and shown[place] == disease else 0.0

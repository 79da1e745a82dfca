"""How alike two sets of findings are, and in what: simGIC over the ontology.

simGIC (Pesquita et al. 2008, BMC Bioinformatics 9 Suppl 5:S4): the information of all terms that both sets
imply, divided by that of all terms that either implies. 1 for equal sets, 0 where nothing telling is shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph

Shares = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Likeness:
    """`score` between 0 and 1; `shared` are the most telling terms that both imply, none above another."""

    score: float
    shared: Ints


def likeness(graph: CompiledGraph, one: Sequence[int], other: Sequence[int], *, most: int = 5) -> Likeness:
    """Of two sets of term numbers."""
    mine, theirs = implied(graph, one), implied(graph, other)
    both, either = np.intersect1d(mine, theirs), np.union1d(mine, theirs)
    whole = float(graph.information[either].sum())
    score = float(graph.information[both].sum()) / whole if whole > 0 else 0.0
    return Likeness(score, _most_telling(graph, both, most))


def profile_likeness(graph: CompiledGraph, one: Sequence[int]) -> Shares:
    """Of a set of term numbers with what each disease shows: (n_diseases,)."""
    information = graph.information.astype(np.float64)
    owner = np.repeat(np.arange(len(graph.term_ids)), np.diff(graph.profiles.indptr))
    count = len(graph.disease_ids)
    theirs = np.bincount(graph.profiles.disease, weights=information[owner], minlength=count)
    mine = implied(graph, one)
    both = np.zeros(count)
    for term in mine.tolist():
        both[graph.profiles.of_term(term)[0]] += information[term]
    either = theirs + information[mine].sum() - both
    shares: Shares = np.divide(both, either, out=np.zeros(count), where=either > 0)
    return shares


def implied(graph: CompiledGraph, terms: Sequence[int]) -> Ints:
    """The terms and all above them, ascending, each once."""
    if not terms:
        return np.zeros(0, np.int32)
    return np.unique(np.concatenate([graph.ancestors[term] for term in terms]))


def _most_telling(graph: CompiledGraph, terms: Ints, most: int) -> Ints:
    """Those with nothing of the set below them, most information first; the root's kind is left out."""
    above = {a for term in terms.tolist() for a in graph.ancestors[term].tolist() if a != term}
    lowest = np.array([t for t in terms.tolist() if t not in above and graph.information[t] > 0], np.int32)
    order = np.argsort(-graph.information[lowest], kind="stable")[:most]
    return lowest[order]

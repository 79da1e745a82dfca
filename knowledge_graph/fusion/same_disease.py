"""Which ids stand for one disease, so that a differential has one line for it.

OMIM, Orphanet and DECIPHER describe many diseases apart and the release has no cross-reference. Ids are
taken together only where they are twins (`graph/kinship.py`) and no source has two of them: anything less is
a guess.
"""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.compiled_graph import CompiledGraph

Leaders = npt.NDArray[np.intp]
_SOURCES = ("OMIM", "ORPHA", "DECIPHER")


def leaders(graph: CompiledGraph) -> Leaders:
    """Under whose id each disease is shown (n_diseases,): its own, or that of its namesake, OMIM's first."""
    shown = np.arange(len(graph.disease_ids), dtype=np.intp)
    ends, values = graph.kinship.twins.indptr.tolist(), graph.kinship.twins.values.tolist()
    twins = {d: values[a:b] for d, (a, b) in enumerate(pairwise(ends)) if a < b}
    for disease in twins:
        group = _group(graph, disease, twins)
        if len(group) > 1:
            shown[disease] = min(group, key=lambda d: _order(graph, d))
    return shown


def together(probability: npt.NDArray[np.float64], shown_as: Leaders) -> npt.NDArray[np.float64]:
    """Probabilities (n_diseases,), those of one disease's ids added up under its leader; 0 elsewhere."""
    return np.bincount(shown_as, weights=probability, minlength=len(shown_as)).astype(np.float64)


def _group(graph: CompiledGraph, disease: int, twins: Mapping[int, list[int]]) -> list[int]:
    """The disease and its namesakes where they agree on who they are, one from each source; else itself."""
    group = sorted({disease, *twins[disease]})
    agreed = all(sorted({other, *twins[other]}) == group for other in group)
    sources = {_source(graph, other) for other in group}
    return group if agreed and len(sources) == len(group) else [disease]


def _order(graph: CompiledGraph, disease: int) -> tuple[int, int]:
    source = _source(graph, disease)
    return (_SOURCES.index(source) if source in _SOURCES else len(_SOURCES), disease)


def _source(graph: CompiledGraph, disease: int) -> str:
    return graph.spaces[disease]

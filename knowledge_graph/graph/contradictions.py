"""Rows that cannot both be right: the same disease and term said to be observed and to be excluded."""

from dataclasses import dataclass

import numpy as np

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId, TermId


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A disease and a term with the references of both sides."""

    disease_id: DiseaseId
    term_id: TermId
    name: str
    observed_by: tuple[str, ...]
    excluded_by: tuple[str, ...]


def contradictions(graph: CompiledGraph) -> tuple[Contradiction, ...]:
    """Every contradiction, by disease and term. Ranking pools the observed rows and leaves the others out."""
    rows = graph.associations
    owner = np.repeat(np.arange(len(rows.indptr) - 1, dtype=np.int64), np.diff(rows.indptr))
    key = (owner << 32) | rows.term
    both = np.intersect1d(key[rows.excluded], key[~rows.excluded])
    places = np.flatnonzero(np.isin(key, both))
    found: dict[int, tuple[list[str], list[str]]] = {int(k): ([], []) for k in both.tolist()}
    for place in places.tolist():
        found[int(key[place])][int(rows.excluded[place])].append(graph.texts[rows.reference[place]])
    return tuple(
        Contradiction(
            graph.disease_ids[k >> 32],
            graph.term_ids[k & 0xFFFFFFFF],
            graph.term_names[k & 0xFFFFFFFF],
            tuple(dict.fromkeys(seen)),
            tuple(dict.fromkeys(denied)),
        )
        for k, (seen, denied) in found.items()
    )

"""Learns where terms and diseases stand among findings, for the ranking's second look.

From public knowledge: the Human Phenotype Ontology's annotations, names and genes, without the rows that
come from the articles of the cases, so that the cases can tell how the ranking fares on unseen patients.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from app.workflows.build_namesakes import name_vectors
from app.workflows.evaluate_cases import Case
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.portraits import to_file
from knowledge_graph.ranking.lost_rows import without_publications
from knowledge_graph.ranking.portrait_learning import alike, left_out, shown_directions, term_vectors


def build_portraits(
    path: Path, graph: CompiledGraph, cases: Iterable[Case], *, progress: Callable[[str], object]
) -> None:
    """Learn and write. Takes some minutes and 3 GiB of memory."""
    unseen = without_publications(graph, {p for case in cases for p in case.publications})
    progress(f"finding where {len(graph.term_ids)} terms stand")
    terms = term_vectors(unseen)
    progress(f"reading the names of {len(graph.disease_names)} diseases")
    likeness = alike(name_vectors(graph.disease_names), graph.disease_names, graph.genes)
    progress("finding what names and genes let expect")
    known = np.diff(unseen.signatures.indptr) > 0
    expected = left_out(likeness, shown_directions(terms, unseen.signatures), known)
    seen = np.flatnonzero(np.abs(terms).sum(axis=1))
    term_ids = [graph.term_ids[t] for t in seen.tolist()]
    path.write_bytes(to_file(term_ids, terms[seen], graph.disease_ids, expected))

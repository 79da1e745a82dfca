"""Finds diseases by what a clinician types: a diagnosis need not stand in the differential."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.workflows.search_terms import wording_rank
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId

_SOURCES = ("OMIM", "ORPHA", "DECIPHER")


@dataclass(frozen=True, slots=True)
class DiseaseHit:
    """A disease that matches."""

    disease_id: DiseaseId
    name: str


def search_diseases(graph: CompiledGraph, query: str, *, limit: int = 30) -> tuple[DiseaseHit, ...]:
    """Diseases whose name holds every word of the query, or whose id begins with it; best first."""
    words = query.casefold().split()
    if not words:
        return ()
    typed = query.strip().upper()
    found = [
        (_place(disease, name, words, typed), DiseaseHit(disease, name))
        for disease, name in zip(graph.disease_ids, graph.disease_names, strict=True)
        if disease.startswith(typed) or _holds(name.casefold(), words)
    ]
    return tuple(hit for _, hit in sorted(found, key=lambda entry: (entry[0], entry[1].name)))[:limit]


def _holds(name: str, words: Iterable[str]) -> bool:
    return all(word in name for word in words)


def _place(disease: DiseaseId, name: str, words: list[str], typed: str) -> tuple[int, int, int]:
    """Ids first where an id was typed, then as wordings of terms are ranked, then OMIM before the others."""
    source = disease.split(":")[0]
    order = _SOURCES.index(source) if source in _SOURCES else len(_SOURCES)
    if disease.startswith(typed):
        return (-1, len(disease), order)
    place, length, _ = wording_rank(name.casefold(), words)
    return (place, length, order)

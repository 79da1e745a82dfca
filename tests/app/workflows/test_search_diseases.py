"""A clinician's words find the disease she means."""

import pytest

from app.workflows.search_diseases import search_diseases
from knowledge_graph.graph.compiled_graph import CompiledGraph

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("marfan syndrome", "OMIM:154700"),
        ("OMIM:154700", "OMIM:154700"),
        ("orpha:558", "ORPHA:558"),
        ("wilson disease", "OMIM:277900"),
    ],
)
def test_the_disease_meant_comes_first(real_graph: CompiledGraph, query: str, first: str) -> None:
    assert search_diseases(real_graph, query)[0].disease_id == first


def test_every_word_must_fit_in_any_order(real_graph: CompiledGraph) -> None:
    hits = search_diseases(real_graph, "syndrome marfan neonatal")
    assert hits
    assert all("marfan" in hit.name.casefold() for hit in hits)


@pytest.mark.parametrize("query", ["", "   ", "zzzz no such disease"])
def test_nothing_is_found_for_nothing(real_graph: CompiledGraph, query: str) -> None:
    assert search_diseases(real_graph, query) == ()

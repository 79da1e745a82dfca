"""Resnik's best-match average on arrays equals the definition written out."""

import numpy as np
import pytest

from app.workflows.resnik_average import ResnikAverage
from knowledge_graph.graph.compiled_graph import CompiledGraph
from tests.knowledge_graph.mini_release import mini_graph


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def test_it_is_the_mean_of_the_best_matches_of_both_sides(graph: CompiledGraph) -> None:
    resnik = ResnikAverage(graph)
    patient = ["HP:0000011", "HP:0000020"]
    slow = [_average(graph, patient, profile) for profile in resnik.profiles]
    assert resnik.scores(patient) == pytest.approx(slow, abs=1e-5)
    assert len(set(np.round(slow, 3))) > 1


def _average(graph: CompiledGraph, patient: list[str], profile: list[str]) -> float:
    pairs = [[_likeness(graph, a, b) for b in profile] for a in patient]
    best = [max(row) for row in pairs] + [max(column) for column in zip(*pairs, strict=True)]
    return sum(best) / len(best)


def _likeness(graph: CompiledGraph, one: str, other: str) -> float:
    shared = [a for a in graph.term_ids if graph.is_a(one, a) and graph.is_a(other, a)]
    return max(_information(graph, term) for term in shared)


def _information(graph: CompiledGraph, term: str) -> float:
    omim = [d for d in graph.disease_ids if d.startswith("OMIM:")]
    shows = [d for d in omim if _shows(graph, d, term)]
    return float(-np.log(len(shows) / len(omim))) if shows else 0.0


def _shows(graph: CompiledGraph, disease: str, term: str) -> bool:
    own, _ = graph.signatures.of_disease(graph.disease_number(disease))
    return any(graph.is_a(graph.term_ids[t], term) for t in own.tolist())

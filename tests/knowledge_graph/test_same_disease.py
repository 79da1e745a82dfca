"""Ids of different sources stand for one disease only where nothing else is possible."""

from dataclasses import replace

import numpy as np
import pytest

from knowledge_graph.fusion.same_disease import leaders, together
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.kinship import build_kinship
from knowledge_graph.terms.term import DiseaseId
from tests.knowledge_graph.mini_release import mini_graph


def _named(base: CompiledGraph, named: dict[str, str]) -> CompiledGraph:
    ids = tuple(DiseaseId(d) for d in named)
    names = tuple(named.values())
    kin = build_kinship(ids, names, [()] * len(ids))
    return replace(base, disease_ids=ids, disease_names=names, kinship=kin)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ({"ORPHA:1": "Fit disease", "OMIM:2": "Disease, fit", "OMIM:3": "Rash"}, [1, 1, 2]),
        ({"DECIPHER:1": "Fit disease", "ORPHA:2": "Fit disease"}, [1, 1]),
        ({"OMIM:1": "Fit disease", "OMIM:2": "Fit disease", "ORPHA:3": "Fit disease"}, [0, 1, 2]),
        ({"OMIM:1": "Fit disease", "ORPHA:2": "Fit disease 2"}, [0, 1]),
    ],
)
def test_namesakes_are_shown_under_one_id(
    base: CompiledGraph, named: dict[str, str], shown: list[int]
) -> None:
    assert leaders(_named(base, named)).tolist() == shown


def test_probabilities_are_added_up_and_none_is_lost() -> None:
    shown = together(np.array([0.5, 0.2, 0.3]), np.array([1, 1, 2]))
    assert np.allclose(shown, [0.0, 0.7, 0.3])


@pytest.mark.slow
def test_in_the_release_each_leader_leads_itself(real_graph: CompiledGraph) -> None:
    shown_as = leaders(real_graph)
    assert (shown_as[shown_as] == shown_as).all()
    assert 1000 < int((shown_as != np.arange(len(shown_as))).sum()) < 1400
    orpha = real_graph.disease_number("ORPHA:558")
    assert real_graph.disease_ids[shown_as[orpha]] == "OMIM:154700"

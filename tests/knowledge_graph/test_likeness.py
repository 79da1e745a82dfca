"""Likeness is shared information over all information, for two sets and for every disease at once."""

import math

import numpy as np
import pytest

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.similarity.likeness import likeness, profile_likeness
from tests.knowledge_graph.mini_release import mini_graph

SEIZURE, FOCAL, FEVER = ("HP:0000010", "HP:0000011", "HP:0000020")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def test_two_sets_are_as_alike_as_the_information_that_they_share(graph: CompiledGraph) -> None:
    seizure, focal, fever = (graph.term_number(t) for t in (SEIZURE, FOCAL, FEVER))
    known = {t: -math.log(float(graph.profiles.background[t])) for t in (seizure, focal, fever)}
    top = 2 * -math.log(float(graph.profiles.background[graph.term_number("HP:0000118")]))  # and "All"
    found = likeness(graph, [focal, fever], [seizure])
    whole = known[seizure] + known[focal] + known[fever] + top
    assert found.score == pytest.approx((known[seizure] + top) / whole)
    assert found.shared.tolist() == [seizure]
    same = likeness(graph, [focal, fever], [fever, focal])
    assert same.score == pytest.approx(1)
    assert set(same.shared.tolist()) == {focal, fever}
    assert likeness(graph, [], [focal]).score == 0


def test_every_disease_at_once_is_as_alike_as_one_by_one(real_graph: CompiledGraph) -> None:
    terms = [real_graph.term_number(t) for t in ("HP:0001166", "HP:0002616", "HP:0001083")]
    scores = profile_likeness(real_graph, terms)
    some = [int(scores.argmax()), *np.random.default_rng(1).choice(len(scores), 6, replace=False).tolist()]
    for disease in some:
        own = real_graph.signatures.of_disease(disease)[0].tolist()
        assert scores[disease] == pytest.approx(likeness(real_graph, terms, own).score, abs=1e-6)
    assert scores.max() <= 1

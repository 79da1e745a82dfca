"""Two ids are one disease by their gene only where no other has it and both show much the same."""

from dataclasses import replace

import numpy as np
import pytest

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.lone_gene import ALIKE, one_by_gene
from knowledge_graph.similarity.likeness import likeness
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph

Genes = list[tuple[str, ...]]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    """OMIM:1 shows fits and fever, OMIM:2 a rash and fever, ORPHA:3 fever alone."""
    return mini_graph(tmp_path_factory.mktemp("mini"))


def _pairs(graph: CompiledGraph, genes: Genes) -> list[list[int]]:
    return one_by_gene(
        graph.disease_ids,
        genes,
        graph.associations,
        ancestors=graph.ancestors,
        background=graph.profiles.background,
    )


def test_the_only_two_with_a_gene_are_one(graph: CompiledGraph) -> None:
    assert _pairs(graph, [("FIT1",), (), ("FIT1",)]) == [[0, 2]]


@pytest.mark.parametrize(
    "genes",
    [
        [("FIT1",), ("FIT1",), ("FIT1",)],  # a third has it
        [("FIT1",), (), ("FIT1", "RASH1")],  # it has another
        [("FIT1",), ("FIT1",), ()],  # of one source
    ],
)
def test_whatever_else_is_possible_they_are_two(graph: CompiledGraph, genes: Genes) -> None:
    assert _pairs(graph, genes) == []


def test_those_that_show_other_things_are_two(graph: CompiledGraph) -> None:
    fever, rash = (graph.term_index[TermId(t)] for t in ("HP:0000020", "HP:0000031"))
    rows = graph.associations
    rashes = np.where(rows.term == fever, np.int32(rash), rows.term)
    rashes[rows.rows_of(0)] = rows.term[rows.rows_of(0)]
    apart = replace(graph, associations=replace(rows, term=rashes))
    assert _pairs(apart, [("FIT1",), (), ("FIT1",)]) == []


@pytest.mark.slow
def test_in_the_release_pairs_are_as_alike_as_the_slow_reference_says(real_graph: CompiledGraph) -> None:
    rows, found = real_graph.associations, _pairs(real_graph, list(real_graph.genes))
    assert 400 < len(found) < 600
    for one, other in found[::20]:
        shown = [
            sorted(set(rows.term[s][~rows.excluded[s]].tolist())) for s in map(rows.rows_of, (one, other))
        ]
        assert likeness(real_graph, *shown).score >= ALIKE - 1e-6
        assert real_graph.genes[one] == real_graph.genes[other]

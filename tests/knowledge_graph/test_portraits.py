"""Portraits agree with what is worked out one disease at a time, and with learning without each disease."""

from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.findings.finding import Finding
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.graph.portraits import EXPECTED_COUNTS, LITTLE, coded, read_portraits, to_file, vectors
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.lost_rows import without_publications
from knowledge_graph.ranking.portrait_learning import (
    alike,
    gene_family,
    left_out,
    shown_directions,
    term_vectors,
)
from knowledge_graph.ranking.profile_fit import direction, picture_of
from knowledge_graph.sources.pack_reading import read_pack
from tests.knowledge_graph.mini_release import mini_graph
from tests.knowledge_graph.test_pack_readers import TOML, written


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def test_a_code_is_near_its_vector_and_as_long() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 40)).astype(np.float32)
    rows[2] = 0
    again = vectors(*coded(rows))
    assert again == pytest.approx(rows, abs=0.02)
    assert np.linalg.norm(again, axis=1) == pytest.approx(np.linalg.norm(rows, axis=1), rel=1e-5)


def test_portraits_are_drawn_as_by_hand_and_found_again_by_id(graph: CompiledGraph) -> None:
    rng = np.random.default_rng(1)
    terms, expected = (rng.normal(size=(3, 5)).astype(np.float32) for _ in range(2))
    term_ids = [*graph.term_ids[2:4], "HP:9999999"]
    data = to_file(term_ids, terms, ["OMIM:2", "OMIM:9", "OMIM:1"], expected)
    found = read_portraits(data, graph.term_ids, graph.disease_ids, graph.signatures)
    place = dict(zip(term_ids, found.of_terms([2, 3]), strict=False))
    hoped = dict(zip(graph.disease_ids, found.of_expected(np.arange(3)), strict=True))
    assert hoped["OMIM:2"] == pytest.approx(expected[0], abs=0.02)
    assert not hoped["ORPHA:3"].any()
    for number, disease in enumerate(graph.disease_ids):
        known = np.zeros(5)
        for term, frequency in zip(*graph.signatures.of_disease(number), strict=True):
            known += frequency * place.get(graph.term_ids[term], np.zeros(5))
        joined = known + EXPECTED_COUNTS * hoped[disease]
        assert found.drawn[number] == pytest.approx(joined / (np.linalg.norm(joined) + LITTLE), abs=1e-3)
        assert found.known[number] == pytest.approx(np.linalg.norm(known), abs=1e-4)
    altered = bytearray(data)
    altered[-1] ^= 1
    with pytest.raises(ValueError, match="--build-portraits"):
        read_portraits(bytes(altered), [], [], graph.signatures)


@pytest.mark.slow
def test_dropping_a_publication_draws_as_a_graph_without_it(real_graph: CompiledGraph) -> None:
    rows = real_graph.associations
    reference = real_graph.texts[rows.reference[np.flatnonzero(rows.indptr[:-1])[3000]]]
    without = without_publications(real_graph, {reference})
    findings = tuple(Finding(real_graph.term_ids[t]) for t in (700, 900))
    features = DroppedPublication(real_graph).parts(findings, {reference}).features
    assert features == pytest.approx(picture_of(without, [700, 900]), abs=2e-3)
    assert len(without.signatures.term) < len(real_graph.signatures.term)


def test_packs_add_portraits_of_what_they_say(graph: CompiledGraph, tmp_path: Path) -> None:
    both = overlaid(graph, [read_pack(written(tmp_path, "ward.toml", TOML))])
    again = read_portraits(
        to_file(["HP:0000010"], np.ones((1, 4), np.float32), ["OMIM:1"], np.ones((1, 4), np.float32)),
        both.term_ids,
        both.disease_ids,
        both.signatures,
    )
    assert len(both.portraits.drawn) == len(both.disease_ids) == len(again.drawn)
    assert len(both.portraits.terms) == len(both.term_ids)
    assert np.isfinite(direction(both, [0, 1])).all()


def test_an_expectation_is_what_learning_without_the_disease_gives() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(9, 4)).astype(np.float32)
    likeness, shown = features @ features.T, rng.normal(size=(9, 2)).astype(np.float32)
    known = np.arange(9) != 4
    found = left_out(likeness.copy(), shown, known, ridge=0.5)
    for one in range(9):
        others = [d for d in range(9) if d not in (one, 4)]
        system = likeness[np.ix_(others, others)] + 0.5 * np.eye(len(others))
        weights = np.linalg.solve(system, shown[others])
        assert found[one] == pytest.approx(likeness[one, others] @ weights, abs=1e-4)


def test_names_and_genes_make_diseases_alike() -> None:
    names = ["Great ataxia 1", "Great ataxia 2", "Rash", "Itch", "Pain"]
    genes = [("COL1A1",), ("SCN1A",), ("COL3A1",), ("KRT5",), ("KRT5",)]
    found = alike(np.eye(5, dtype=np.float32), names, genes)
    assert found == pytest.approx(found.T, abs=1e-6)
    assert found[0, 1] > found[0, 3]  # words
    assert found[0, 2] > found[0, 3]  # gene family
    assert found[3, 4] > found[0, 2]  # gene
    assert [gene_family(g) for g in ("COL1A1", "C9orf72", "MT-ND1")] == ["COL", "", "MT"]


def test_terms_that_the_same_diseases_show_lie_near_each_other(real_graph: CompiledGraph) -> None:
    number = real_graph.term_number
    lens, aorta, seizure = (
        real_graph.portraits.of_terms([number(t)])[0] for t in ("HP:0001083", "HP:0002616", "HP:0001250")
    )
    near = lens @ aorta / np.linalg.norm(lens) / np.linalg.norm(aorta)
    assert near > 0.1 > lens @ seizure / np.linalg.norm(lens) / np.linalg.norm(seizure)


def test_term_vectors_are_as_long_as_the_terms_are_telling(graph: CompiledGraph) -> None:
    found = term_vectors(graph, width=2)
    used = np.diff(graph.profiles.indptr) > 0
    assert np.linalg.norm(found, axis=1)[used] == pytest.approx(graph.information[used], abs=1e-4)
    assert not found[~used].any()
    assert (np.linalg.norm(shown_directions(found, graph.signatures), axis=1) <= 1).all()

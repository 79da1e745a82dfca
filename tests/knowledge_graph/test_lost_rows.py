"""Rivals lose what a case's own disease loses without its article: rows, or a count that others share."""

from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking import lost_rows
from knowledge_graph.ranking.dropped_publication import DroppedPublication, SharedRows
from knowledge_graph.ranking.lost_rows import with_lost_rows, without_publications
from tests.knowledge_graph.mini_release import HPOA, write_mini_release


def test_rivals_lose_whole_articles_and_the_background_stays(real_graph: CompiledGraph) -> None:
    half = with_lost_rows(real_graph, [0.5], rng=np.random.default_rng(0))
    before, after = (np.diff(g.signatures.indptr).sum() for g in (real_graph, half))
    assert 0.4 < after / before < 0.7
    assert half.profiles.background.tolist() == real_graph.profiles.background.tolist()
    assert half.signatures.publications.sum() < 0.7 * real_graph.signatures.publications.sum()
    nothing = with_lost_rows(real_graph, [1.0], rng=np.random.default_rng(0))
    assert len(nothing.signatures.term) < 0.01 * before  # what a handbook says beside an article
    same = with_lost_rows(real_graph, [0.0], rng=np.random.default_rng(0))
    assert same.signatures.term.tolist() == real_graph.signatures.term.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_an_article_takes_its_rows_and_the_counts_that_it_shares(seed: int) -> None:
    one, other = "PMID:1", "PMID:2"
    references = [(one,), (one, other), (other,), ("OMIM:1",)]
    rng = np.random.default_rng(seed)
    lost, shared, heard = lost_rows._losing(references, 2, rng)
    told = (set(lost.tolist()), set(shared.tolist()), heard)
    assert told in (({0}, {1}, {other}), ({2}, {1}, {one}))
    lost, shared, heard = lost_rows._losing(references, 3, rng)
    assert (set(lost.tolist()), set(shared.tolist()), heard) == ({0, 1, 2}, set(), set())  # nobody said it
    lost, shared, heard = lost_rows._losing(references, 4, rng)
    assert (set(lost.tolist()), set(shared.tolist()), heard) == ({0, 1, 2, 3}, set(), set())


@pytest.mark.parametrize("reference", ["PMID:1", "PMID:2"])
def test_rivals_lose_as_a_disease_does_without_its_article(tmp_path: Path, reference: str) -> None:
    text = HPOA.replace("PMID:2\tPCS\t\t1/2", "PMID:1; PMID:2\tPCS\t\t2/2")
    graph = compile_release(write_mini_release(tmp_path, hpoa=text))
    assert text != HPOA
    dropped = DroppedPublication(graph, shared=SharedRows.UNCOUNTED)
    share = dropped.named_share(0, {reference})
    drawn = [with_lost_rows(graph, [share], rng=np.random.default_rng(seed)) for seed in range(30)]
    found = {tuple(poorer.signatures.of_disease(0)[1].tolist()) for poorer in drawn}
    (_, frequency), _ = dropped.profile(0, {reference})
    assert tuple(frequency.tolist()) in found


def test_publications_are_left_out_alone_or_beside_others(tmp_path: Path) -> None:
    text = HPOA.replace("PMID:2\tPCS", "PMID:2; PMID:4\tPCS")
    release, shorter = (
        compile_release(write_mini_release(tmp_path / name, hpoa=content))
        for name, content in (
            ("full", text),
            ("short", "".join(line for line in HPOA.splitlines(keepends=True) if "PMID:2" not in line)),
        )
    )
    without = without_publications(release, {"PMID:4"})
    assert without.signatures.term.tolist() == shorter.signatures.term.tolist()
    assert without.signatures.frequency.tolist() == shorter.signatures.frequency.tolist()


def test_articles_are_counted_one_by_one(tmp_path: Path) -> None:
    plain, shared = (
        compile_release(write_mini_release(tmp_path / name, hpoa=content))
        for name, content in (("plain", HPOA), ("shared", HPOA.replace("PMID:2\tPCS", "PMID:2; PMID:1\tPCS")))
    )
    assert shared.signatures.publications.tolist() == plain.signatures.publications.tolist()

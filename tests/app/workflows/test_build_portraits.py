"""Portraits are learned without what the cases' own articles say, and written to be found again by id."""

from pathlib import Path

import numpy as np
import pytest

from app.workflows import build_portraits as building
from app.workflows.build_portraits import build_portraits
from app.workflows.evaluate_cases import Case
from knowledge_graph.graph.portraits import read_portraits
from tests.knowledge_graph.mini_release import mini_graph


def test_what_only_a_case_of_its_own_tells_is_not_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "name_vectors", lambda names: np.eye(len(names), dtype=np.float32))
    graph = mini_graph(tmp_path)

    def told(cases: list[Case]) -> set[str]:
        build_portraits(tmp_path / "p.bin", graph, cases, progress=print)
        data = (tmp_path / "p.bin").read_bytes()
        found = read_portraits(data, graph.term_ids, graph.disease_ids, graph.signatures)
        return {term for term, length in zip(graph.term_ids, found.telling, strict=True) if length > 0}

    every = {graph.texts[r] for r in graph.associations.reference.tolist()}
    all_terms = told([])
    without = told([Case(disease_id="OMIM:1", pmid="PMID:1", refs=["PMID:2"])])
    assert without < all_terms
    assert {"PMID:1", "PMID:2"} < every

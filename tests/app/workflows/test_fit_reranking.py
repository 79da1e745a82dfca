"""The second look is learned from cases, cross-validated, written with where it comes from."""

from pathlib import Path

import pytest

from app.errors import UsageError
from app.workflows import fit_reranking
from app.workflows.evaluate_cases import Case
from app.workflows.fit_reranking import fit_second_look, write_reranking
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking import rerank_fitting
from knowledge_graph.ranking.boosted_trees import BoostedTrees
from knowledge_graph.ranking.candidate_features import FEATURES
from tests.app.workflows.test_fit_ranking import synthetic_cases


@pytest.mark.slow
def test_a_fit_says_where_it_comes_from(
    real_graph: CompiledGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_reranking, "WORLDS", 1)
    monkeypatch.setitem(rerank_fitting._SETTINGS, "max_iter", 5)
    fit = fit_second_look(real_graph, synthetic_cases(real_graph, 15), progress=print)
    assert fit.cases == 15
    assert 0 < fit.keep.top10.value <= 1
    assert fit.keep == fit.drop == fit.fair  # they have no publication, and their rivals lose as much
    cases = tmp_path / "cases.jsonl"
    cases.write_text("{}", "utf-8")
    path = tmp_path / "reranking.bin"
    write_reranking(path, fit, cases=cases, knowledge=real_graph.version)
    trees = BoostedTrees.of_file(path.read_bytes(), names=FEATURES, file="", rebuild="")
    assert "--fit-reranking" in trees.about
    assert trees.path.tolist() == fit.trees.path.tolist()


def test_too_few_diseases_are_refused(real_graph: CompiledGraph) -> None:
    with pytest.raises(UsageError, match="fewer than 5 diseases"):
        fit_second_look(real_graph, [Case(disease_id="OMIM:154700")], progress=print)

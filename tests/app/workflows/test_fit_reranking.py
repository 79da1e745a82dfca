"""The second look's weights are learned from cases, cross-validated, written with where they come from."""

from pathlib import Path

import pytest

from app.errors import UsageError
from app.workflows.evaluate_cases import Case
from app.workflows.fit_reranking import fit_second_look, write_reranking
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.reranking import RerankWeights
from tests.app.workflows.test_fit_ranking import synthetic_cases


@pytest.mark.slow
def test_a_fit_says_where_it_comes_from(real_graph: CompiledGraph, tmp_path: Path) -> None:
    fit = fit_second_look(real_graph, synthetic_cases(real_graph, 15), progress=print)
    assert fit.cases == 15
    assert 0 < fit.keep.top1.value <= fit.keep.top10.value <= 1
    assert fit.keep == fit.drop  # they have no publication
    cases = tmp_path / "cases.jsonl"
    cases.write_text("{}", "utf-8")
    write_reranking(tmp_path / "reranking.toml", fit, cases=cases, knowledge=real_graph.version)
    text = (tmp_path / "reranking.toml").read_text("utf-8")
    assert "--fit-reranking" in text
    assert RerankWeights.of_text(text) == fit.weights


def test_too_few_diseases_are_refused(real_graph: CompiledGraph) -> None:
    with pytest.raises(UsageError, match="fewer than 5 diseases"):
        fit_second_look(real_graph, [Case(disease_id="OMIM:154700")], progress=print)

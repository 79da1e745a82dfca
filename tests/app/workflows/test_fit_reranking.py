"""The second look is learned from cases, cross-validated, written with where it comes from."""

from pathlib import Path

import pytest

from app.errors import UsageError
from app.workflows import fit_reranking
from app.workflows.evaluate_cases import Case
from app.workflows.fit_reranking import described_cases, fit_second_look, write_reranking
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
    told = described_cases(real_graph, [])[:20]
    monkeypatch.setattr(fit_reranking, "described_cases", lambda *_: told)
    fit = fit_second_look(real_graph, synthetic_cases(real_graph, 15), progress=print)
    assert (fit.cases, fit.described) == (15, 20)
    assert 0 < fit.keep.top10.value <= 1
    assert fit.keep == fit.drop == fit.fair  # they have no publication, and their rivals lose as much
    cases = tmp_path / "cases.jsonl"
    cases.write_text("{}", "utf-8")
    path = tmp_path / "reranking.bin"
    write_reranking(path, fit, cases=cases, knowledge=real_graph.version)
    trees = BoostedTrees.of_file(path.read_bytes(), names=FEATURES, file="", rebuild="")
    assert "--fit-reranking" in trees.about
    assert trees.path.tolist() == fit.trees.path.tolist()


def test_described_patients_share_no_disease_and_no_article_with_the_cases(real_graph: CompiledGraph) -> None:
    told = described_cases(real_graph, [])
    assert len({case.disease_id for case in told}) == len(told) > 3000
    own, other = told[0], told[1]
    cases = [Case(disease_id=own.disease_id), Case(disease_id="OMIM:0", refs=other.refs)]
    rest = described_cases(real_graph, cases)
    assert own.disease_id not in {case.disease_id for case in rest}
    assert not {*other.refs} & {ref for case in rest for ref in case.refs}


def test_too_few_diseases_are_refused(real_graph: CompiledGraph) -> None:
    with pytest.raises(UsageError, match="fewer than 5 diseases"):
        fit_second_look(real_graph, [Case(disease_id="OMIM:154700")], progress=print)

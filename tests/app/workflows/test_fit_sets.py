"""Prediction sets are calibrated on cases, cross-validated, written with where they come from."""

from pathlib import Path

import pytest

from app.errors import UsageError
from app.workflows import fit_reranking
from app.workflows.evaluate_cases import Case
from app.workflows.fit_sets import fit_sets, write_sets
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.prediction_set import SetCalibration
from tests.app.workflows.test_fit_ranking import synthetic_cases


@pytest.mark.slow
def test_a_calibration_says_where_it_comes_from(
    real_graph: CompiledGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_reranking, "OF_A_DISEASE", 1)
    known = list(synthetic_cases(real_graph, 15))
    fit = fit_sets(real_graph, [*known, *known], progress=print)
    assert fit.cases == 15
    assert 0 < fit.coverage.value <= 1
    for stated in (fit.stated, fit.stated_kept):
        assert abs(stated.stated - stated.right) <= stated.ece.value + 1e-9
        assert stated.ece.value <= 1
        assert stated.noise > 0
    assert 1 <= fit.median_size <= fit.size_of_the_largest_tenth
    cases, path = tmp_path / "cases.jsonl", tmp_path / "sets.toml"
    cases.write_text("{}", "utf-8")
    write_sets(path, fit, cases=cases, knowledge=real_graph.version)
    text = path.read_text("utf-8")
    assert "--fit-sets" in text
    assert SetCalibration.of_text(text).sha256 == fit.calibration.sha256


def test_too_few_diseases_are_refused(real_graph: CompiledGraph) -> None:
    with pytest.raises(UsageError, match="bring more"):
        fit_sets(real_graph, [Case(disease_id="OMIM:154700")], progress=print)

"""Weights are learned from cases, cross-validated by disease, and written with where they come from."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from app.errors import UsageError
from app.workflows.evaluate_cases import Case
from app.workflows.fit_ranking import fit_ranking, write_weights
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.profile_fit import FitWeights


def synthetic_cases(graph: CompiledGraph, count: int) -> list[Case]:
    patients = sample_patients(graph, count=count, rng=np.random.default_rng(2))
    return [
        Case(
            disease_id=p.disease_id,
            observed=[f.term_id for f in p.findings if f.state is FindingState.OBSERVED],
        )
        for p in patients
    ]


@pytest.mark.slow
def test_a_fit_says_where_it_comes_from(real_graph: CompiledGraph, tmp_path: Path) -> None:
    said: list[str] = []
    fit = fit_ranking(real_graph, synthetic_cases(real_graph, 25), progress=said.append)
    assert fit.cases == 25
    assert 0 < fit.keep.top1.value <= fit.keep.top10.value <= 1
    assert fit.keep.top10.low <= fit.keep.top10.value <= fit.keep.top10.high
    assert fit.keep == fit.drop  # they have no publication
    cases = tmp_path / "cases.jsonl"
    cases.write_text("{}", "utf-8")
    write_weights(tmp_path / "weights.toml", fit, cases=cases, knowledge=real_graph.version)
    text = (tmp_path / "weights.toml").read_text("utf-8")
    assert hashlib.sha256(b"{}").hexdigest() in text
    assert "anamnesis evaluate" in text
    assert FitWeights.of_text(text).coverage == pytest.approx(fit.fitted.weights.coverage, abs=1e-4)
    assert any("fold 5 of 5" in line for line in said)


def test_too_few_diseases_are_refused(real_graph: CompiledGraph) -> None:
    cases = [Case(disease_id="OMIM:154700", observed=["HP:0001166"]), Case(disease_id="OMIM:0")]
    with pytest.raises(UsageError, match="fewer than 5 diseases"):
        fit_ranking(real_graph, cases, progress=print)

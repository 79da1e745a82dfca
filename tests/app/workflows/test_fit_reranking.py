"""The second look is learned from cases, cross-validated, written with where it comes from."""

from pathlib import Path

import pytest

from app.errors import UsageError
from app.workflows import fit_reranking
from app.workflows.evaluate_cases import Case, read_cases
from app.workflows.fit_reranking import described_cases, fit_second_look, kin_labels, write_reranking
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking import rerank_fitting
from knowledge_graph.ranking.reranking import LearnedLooks
from knowledge_graph.ranking.unseen_looks import FILE, UnseenLooks
from tests.app.workflows.test_fit_ranking import synthetic_cases


@pytest.mark.slow
def test_a_fit_says_where_it_comes_from(
    real_graph: CompiledGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_reranking, "WORLDS", 1)
    for setting, least in {"max_iter": 5, "max_bins": 8}.items():  # where it comes from, not how good it is
        monkeypatch.setitem(rerank_fitting._SETTINGS, setting, least)
    told = described_cases(real_graph, [])[:20]
    monkeypatch.setattr(fit_reranking, "described_cases", lambda *_: told)
    fit = fit_second_look(real_graph, synthetic_cases(real_graph, 15), progress=print)
    assert (fit.cases, fit.described) == (15, 20)
    assert 0 < fit.keep.top10.value <= 1
    shares = [getattr(fit, way) for way in fit_reranking.WAYS]
    assert shares == [fit.keep] * 5  # they have no publication, and their rivals lose as much
    cases = tmp_path / "cases.jsonl"
    cases.write_text("{}", "utf-8")
    path = tmp_path / "reranking.bin"
    write_reranking(path, fit, cases=cases, knowledge=real_graph.version)
    looks = LearnedLooks.of_file(path.read_bytes())
    assert "--fit-reranking" in looks.trees.about
    assert looks.trees.path.tolist() == fit.looks.trees.path.tolist()
    assert looks.third.hidden.tolist() == fit.looks.third.hidden.tolist()
    unseen = UnseenLooks.of_file((tmp_path / FILE).read_bytes())
    assert len(unseen.folds) == len(set(unseen.fold_of.values())) == 5
    assert len(unseen.fold_of) == 15


def test_described_patients_share_no_disease_and_no_article_with_the_cases(real_graph: CompiledGraph) -> None:
    told = described_cases(real_graph, [])
    assert len({case.disease_id for case in told}) == len(told) > 3000
    own, other = told[0], told[1]
    cases = [Case(disease_id=own.disease_id), Case(disease_id="OMIM:0", refs=other.refs)]
    rest = described_cases(real_graph, cases)
    assert own.disease_id not in {case.disease_id for case in rest}
    assert not {*other.refs} & {ref for case in rest for ref in case.refs}


@pytest.mark.slow
def test_described_patients_are_told_apart_from_the_published_cases(
    real_graph: CompiledGraph, shared_data: Path
) -> None:
    """None of their diseases, articles or names under another id; folds know of their series and genes."""
    cases = list(read_cases(shared_data / "phenopackets" / "dev_cases.jsonl.gz"))
    known = [case for case in cases if case.disease_id in real_graph.disease_index]
    told = described_cases(real_graph, cases)
    assert len(told) > 4000
    numbers = [[real_graph.disease_number(c.disease_id) for c in group] for group in (known, told)]
    published, described = ({real_graph.name_words[n] for n in own} for own in numbers)
    assert not published & described
    shared = {label for case in known for label in kin_labels(real_graph, case)}
    common = [label for case in told for label in kin_labels(real_graph, case) if label in shared]
    assert common  # siblings there are, and a fold's trees have to leave them out
    assert not any(label.startswith(("OMIM:", "PMID:")) for label in common)


def test_folds_know_of_kin_by_disease_publication_gene_and_series(real_graph: CompiledGraph) -> None:
    case = Case(disease_id="OMIM:154700", pmid="PMID:1", refs=["PMID:2"])  # Marfan syndrome
    assert kin_labels(real_graph, case) == (
        "OMIM:154700",
        "PMID:1",
        "PMID:2",
        "FBN1",
        "series marfan syndrome",
    )
    labels, fold = [("OMIM:1", "FBN1"), ("OMIM:2", "series a"), ("OMIM:3", "FBN1")], [0, 1, 2]
    kin = fit_reranking._kin_folds(labels, fold, [("FBN1", "series a"), ("series a",), ("OMIM:4",)])
    assert kin == [{0, 1, 2}, {1}, set()]


def test_too_few_diseases_are_refused(real_graph: CompiledGraph) -> None:
    with pytest.raises(UsageError, match="fewer than 5 diseases"):
        fit_second_look(real_graph, [Case(disease_id="OMIM:154700")], progress=print)

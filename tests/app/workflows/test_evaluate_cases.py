"""Every figure is the one counted by hand on three made-up diseases; a bad line gets one clear error.

What OMIM:1, OMIM:2 and ORPHA:3 show is written in `tests/knowledge_graph/mini_release.py`.
"""

import gzip
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.cli.evaluate import RANKERS as OFFERED
from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.errors import UsageError
from app.workflows.evaluate_cases import Accuracy, Case, auroc, evaluate_cases, read_cases
from knowledge_graph.findings.finding import Finding
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.rank import rank
from knowledge_graph.ranking.ranker import DEFAULT_RANKER, RANKERS
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph

FOCAL, FEVER, ITCHY = "HP:0000011", "HP:0000020", "HP:0000031"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def case(disease_id: str = "OMIM:1", observed: Iterable[str] = (FOCAL,), **more: Any) -> Case:
    return Case(disease_id=disease_id, observed=list(observed), **more)


def one(graph: CompiledGraph, asked: Case, *, drop: bool = False) -> Accuracy:
    return evaluate_cases(graph, iter([asked]), drop_own_publication=drop)


def rank_of(graph: CompiledGraph, asked: Case, *, drop: bool = False) -> float:
    """The rank of a single case, read off its reciprocal."""
    return 1 / one(graph, asked, drop=drop).mrr


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order() -> None:
    scores = np.array([3.0, 1.0, 2.0, 2.0])
    assert auroc(scores, np.array([True, False, False, True])) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
    assert auroc(scores, np.ones(4, bool)) is None
    assert auroc(scores, np.zeros(4, bool)) is None


def test_every_figure_is_as_counted_by_hand(graph: CompiledGraph) -> None:
    cases = [
        case("OMIM:1", [FOCAL]),  # rank 1
        case("OMIM:1", [ITCHY]),  # rank 2: the other one shows it
        case("OMIM:2", []),  # both of OMIM alike: rank 1.5
        case("OMIM:77", [FOCAL]),  # not in the knowledge: missed
        case("OMIM:1", [FOCAL, "HP:7777777", "nonsense"]),  # rank 1, two terms unknown
    ]
    found = evaluate_cases(graph, iter(cases))
    assert (found.n, found.not_in_knowledge, found.unknown_terms) == (5, 1, 2)
    # as strange as two of the known ones, less so than the one without a finding; ITCHY is for the trees
    assert found.unknown_auroc in (1 / 4, 2 / 4)
    assert found.top1 == pytest.approx(2 / 5)
    assert found.top3 == found.top5 == found.top10 == pytest.approx(4 / 5)
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 1.5 + 0 + 1) / 5)
    assert found.known_top1 == pytest.approx(2 / 4)
    assert found.known_top10 == pytest.approx(4 / 4)
    # by disease: OMIM:1 has 1, 2, 1; OMIM:2 has 1.5; OMIM:77 is missed
    assert found.macro_top1 == pytest.approx((2 / 3 + 0 + 0) / 3)
    assert found.macro_top10 == pytest.approx((1 + 1 + 0) / 3)
    # drawn anew, the three diseases may all be OMIM:77, or all OMIM:1
    assert found.intervals["top10"] == found.intervals["macro_top10"] == (0.0, 1.0)
    assert found.intervals["top1"] == found.intervals["macro_top1"] == pytest.approx((0, 2 / 3))
    assert found.ms_per_case > 0


def test_ties_share_their_places(graph: CompiledGraph) -> None:
    assert rank_of(graph, case("OMIM:2", [])) == pytest.approx(1.5)
    assert one(graph, case("OMIM:2", [])).top1 == 0.0


def test_rivals_are_the_diseases_of_the_same_id_space(graph: CompiledGraph) -> None:
    assert rank_of(graph, case("ORPHA:3", [FOCAL])) == 1.0  # though two of OMIM score higher


def test_what_an_observed_finding_contradicts_is_left_out_as_in_a_diagnosis(graph: CompiledGraph) -> None:
    plain, torn = (case("OMIM:2", [FOCAL, ITCHY], excluded=gone) for gone in ([], ["HP:0000030"]))
    assert rank_of(graph, torn) == rank_of(graph, plain) == 1.0  # without: 2, the rash being denied


def test_any_of_several_ids_counts_the_best_of_them(graph: CompiledGraph) -> None:
    assert rank_of(graph, Case(disease_ids=["OMIM:1", "OMIM:2"], observed=[ITCHY])) == 1.0
    assert rank_of(graph, Case(disease_ids=["OMIM:77", "ORPHA:3"], observed=[FOCAL])) == 1.0
    both = Case(disease_id="OMIM:77", disease_ids=["OMIM:1"], observed=[FOCAL])
    assert rank_of(graph, both) == 1.0  # the list stands for the single id
    assert one(graph, Case(disease_ids=["OMIM:77", "OMIM:78"])).not_in_knowledge == 1


def test_rankers_are_named_alike_on_the_command_line_and_differ(graph: CompiledGraph) -> None:
    assert list(OFFERED) == list(RANKERS)
    assert OFFERED[0] == DEFAULT_RANKER
    feverish = [case("OMIM:1", [FEVER, FOCAL]), case("OMIM:1", [], excluded=[FOCAL])]
    found = {name: evaluate_cases(graph, iter(feverish), ranker=name) for name in RANKERS}
    assert found["fused"].mrr == pytest.approx((1 + 1 / 2) / 2)
    scores = rank(graph, [Finding(TermId(FOCAL))], age_days=10)
    plain = scores.own.sum(axis=0) + scores.context
    assert RANKERS["likelihood_ratio"](scores).tolist() == plain.tolist()
    assert RANKERS["fused"](scores).tolist() == scores.total.tolist()
    assert RANKERS["fused"](scores).tolist() != plain.tolist()


def test_a_case_without_a_known_disease_is_missed_not_dropped(graph: CompiledGraph) -> None:
    found = one(graph, case("MONDO:1"))
    assert (found.n, found.not_in_knowledge) == (1, 1)
    assert (found.top10, found.known_top1, found.known_top10) == (0.0, 0.0, 0.0)
    assert found.mrr < 1e-6


def test_the_cases_own_publications_are_left_out_when_asked(graph: CompiledGraph) -> None:
    # Focal seizure of OMIM:1 comes from PMID:1 and PMID:2; without both, Itchy rash's disease is as near.
    def place(*, drop: bool, **sources: Any) -> float:
        asked = [case("OMIM:1", [FOCAL], **sources)]
        found = evaluate_cases(graph, iter(asked), drop_own_publication=drop, ranker="kindred")
        return 1 / found.mrr

    assert place(drop=False, pmid="PMID:1", refs=["PMID:2"]) == 1.0
    assert place(drop=True, pmid="PMID:1") == 1.0  # one row is left
    assert place(drop=True, pmid="PMID:1", refs=["PMID:2"]) == 2.0
    assert place(drop=True, refs=["PMID:1", "PMID:2"]) == 2.0
    assert place(drop=True, pmid="PMID:99") == 1.0


def test_leaving_out_touches_the_next_case_as_little_as_the_graph(graph: CompiledGraph) -> None:
    dropping = case("OMIM:1", [FOCAL], refs=["PMID:1", "PMID:2"])
    plain = case("OMIM:1", [FOCAL])
    asked = iter([dropping, plain, dropping])
    found = evaluate_cases(graph, asked, drop_own_publication=True, ranker="kindred")
    assert found.mrr == pytest.approx((1 / 2 + 1 + 1 / 2) / 3)
    assert rank_of(graph, plain) == 1.0


def test_excluded_findings_and_age_count(graph: CompiledGraph) -> None:
    neither = case("OMIM:2", [])
    assert rank_of(graph, neither) == 1.5
    assert rank_of(graph, case("OMIM:2", [], excluded=[FOCAL])) == 1.0
    assert rank_of(graph, case("OMIM:2", [], age="P10Y")) == 2.0  # it begins in adults
    assert rank_of(graph, case("OMIM:2", [], age="childhood")) == 1.5


def written(path: Path, *lines: bytes) -> Path:
    data = b"\n".join(lines)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


GOOD = b'{"disease_id": "OMIM:1", "observed": ["HP:0000011"], "cohort": "x", "created": null, "age": null}'


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.jsonl.gz"])
def test_cases_are_read_plain_or_gzipped_with_blank_lines(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, b"\xef\xbb\xbf" + GOOD, b"", b"  \r", GOOD + b"\r", b"")
    assert [c.observed for c in read_cases(path)] == [[FOCAL], [FOCAL]]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"null",
        b"hello",
        b"{}",
        b'{"disease_id": ""}',
        b'{"disease_ids": []}',
        b'{"disease_id": 7}',
        b'{"disease_id": "OMIM:1", "observed": "HP:0000011"}',
        b'{"disease_id": "OMIM:1", "observed": [null]}',
        b'{"disease_id": "\xff"}',
        b'{"disease_id": "OMIM:1", "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda line: line[:24].decode("latin-1"),
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: bytes) -> None:
    path = written(tmp_path / "cases.jsonl", GOOD, line, GOOD)
    with pytest.raises(UsageError, match=r"^cases\.jsonl:2: "):
        list(read_cases(path))


def test_a_file_that_is_missing_cut_or_altered_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(GOOD * 50)
    for number, data in enumerate((whole[:-20], whole[:20] + b"\0\xff" * 9 + whole[40:], b"no gzip")):
        path = tmp_path / f"{number}.jsonl.gz"
        path.write_bytes(data)
        with pytest.raises(UsageError, match=r"can't be read|cannot be read|not a case"):
            list(read_cases(path))
    with pytest.raises(UsageError, match="cannot be read"):
        list(read_cases(tmp_path / "absent.jsonl"))


def test_no_case_at_all_is_refused(graph: CompiledGraph) -> None:
    with pytest.raises(UsageError, match="holds no case"):
        evaluate_cases(graph, iter([]))


def test_the_verb_prints_the_contracts_figures_or_one_line(
    tmp_path: Path, public_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))
    marfan = b'{"disease_id": "OMIM:154700", "observed": ["HP:0001166", "HP:0001083", "HP:0002616"]}'
    good = written(tmp_path / "good.jsonl.gz", marfan)
    assert main(["evaluate", "--cases", str(good), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"n", "top1", "top3", "top5", "top10", "mrr", "ms_per_case"} <= set(found)
    assert found["n"] == 1
    assert math.isfinite(found["ms_per_case"])
    assert found["top10"] == 1.0
    assert main(["evaluate", "--cases", str(good), "--ranker", "likelihood_ratio", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 1
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--cases", str(good), "--ranker", "oracle"])
    assert stopped.value.code == 2
    assert "choose from fused" in capsys.readouterr().err.replace("'", "")
    assert main(["evaluate", "--cases", str(written(tmp_path / "bad.jsonl", marfan, b"{"))]) != 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("anamnesis: bad.jsonl:2: not a case")
    assert said.err.count("\n") == 1

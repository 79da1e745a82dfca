"""A "yes" says of a disease that denies the finding what the ranking says of it with the finding."""

import math
from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.findings.finding import Finding
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.answer_model import AnswerModel, build_answer_model
from knowledge_graph.questions.dropped_answers import answers_without
from knowledge_graph.ranking.denial import denials, denied_pairs
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.rank import rank
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import HPOA, write_mini_release

SEIZURE, FOCAL, RASH, ITCHY = (TermId(f"HP:00000{number}") for number in ("10", "11", "30", "31"))
TWIN = "ORPHA:1"


def row(disease: str, name: str, term: str, reference: str, frequency: str = "") -> str:
    return "\t".join([disease, name, "", term, reference, "PCS", "", frequency, "", "", "P", "-"])


def with_twin(folder: Path, *rows: str) -> CompiledGraph:
    """Fit disease has a twin that shows a rash, and of nine patients no seizure."""
    told = [row(TWIN, "Fit disease", SEIZURE, "PMID:8", "0/9"), row(TWIN, "Fit disease", RASH, "PMID:8")]
    text = HPOA + "".join(f"{line}\n" for line in (*told, *rows))
    return compile_release(write_mini_release(folder, hpoa=text))


def apart(graph: CompiledGraph) -> AnswerModel:
    """Each id a hypothesis of its own, as the ranking has it."""
    return build_answer_model(graph, np.arange(len(graph.disease_ids)))


def said(model: AnswerModel, graph: CompiledGraph, term_id: str, disease_id: str) -> float:
    count = len(graph.disease_ids)
    return float(model.of_term(graph.term_number(term_id), count)[graph.disease_number(disease_id)])


@pytest.mark.parametrize("term_id", [SEIZURE, FOCAL])
def test_after_a_yes_the_odds_are_those_of_the_ranking_with_the_finding(
    tmp_path: Path, term_id: TermId
) -> None:
    graph = with_twin(tmp_path)
    model, found = apart(graph), rank(graph, [Finding(term_id)]).per_finding[0]
    ranked = {d: float(found[graph.disease_number(d)]) for d in ("OMIM:1", TWIN, "ORPHA:3")}
    answered = {d: math.log(said(model, graph, term_id, d)) for d in ranked}
    for denying in (TWIN, "ORPHA:3"):
        assert ranked["OMIM:1"] - ranked[denying] > 2
        assert answered["OMIM:1"] - answered[denying] == pytest.approx(
            ranked["OMIM:1"] - ranked[denying], abs=1e-5
        )


def test_ids_of_one_disease_hear_the_likeliest_and_are_each_held_to_what_they_deny(tmp_path: Path) -> None:
    graph = with_twin(tmp_path)
    joined = build_answer_model(graph, leaders(graph))
    focal = graph.term_number(FOCAL)
    background = float(graph.profiles.background[focal])
    assert said(joined, graph, FOCAL, "OMIM:1") == pytest.approx((10 / 14 + background / 10) / 2)
    assert said(joined, graph, ITCHY, "OMIM:1") == pytest.approx(
        0.2 * graph.profiles.background[graph.term_number(ITCHY)]
    )  # a rash says nothing of an itchy one, and nobody denies it


def test_an_article_that_is_left_out_neither_denies_nor_shows(tmp_path: Path) -> None:
    graph = with_twin(
        tmp_path,
        row(TWIN, "Fit disease", FOCAL, "PMID:9", "0/30"),
        row("OMIM:2", "Rash disease", SEIZURE, "PMID:9", "2/2"),
        row("OMIM:2", "Rash disease", SEIZURE, "PMID:8", "0/9"),  # denied by one, shown by the other
    )
    alone = np.arange(len(graph.disease_ids))
    model = build_answer_model(graph, alone)
    without = answers_without(model, DroppedPublication(graph), {"PMID:9"}, alone)

    def shares(of: AnswerModel, disease_id: str) -> list[float]:
        terms = [(t, float(graph.profiles.background[graph.term_number(t)])) for t in (SEIZURE, FOCAL)]
        return [said(of, graph, term_id, disease_id) / background for term_id, background in terms]

    assert shares(model, TWIN) == pytest.approx([1 / 10, 1 / 31])
    assert shares(without, TWIN) == pytest.approx([1 / 10, 1 / 10])
    assert said(model, graph, SEIZURE, "OMIM:2") == pytest.approx(3 / 4)
    assert shares(without, "OMIM:2") == pytest.approx([1 / 10, 1 / 10])
    assert shares(without, "ORPHA:3") == pytest.approx(shares(model, "ORPHA:3"))


def test_all_that_is_denied_is_what_is_denied_term_by_term(real_graph: CompiledGraph) -> None:
    pairs = denied_pairs(real_graph, real_graph.denied)
    key = pairs.term * len(real_graph.disease_ids) + pairs.disease
    assert (np.diff(key) > 0).all()
    some = np.random.default_rng(3).choice(np.unique(pairs.term), 40, replace=False).tolist()
    for term in [*some, real_graph.term_number("HP:0012531")]:
        smallest: dict[int, float] = {}
        one = denials(real_graph, [Finding(real_graph.term_ids[term])])
        for disease, ratio in zip(one.disease.tolist(), one.ratio.tolist(), strict=True):
            smallest[disease] = min(ratio, smallest.get(disease, 0.0))
        here = pairs.term == term
        assert dict(zip(pairs.disease[here].tolist(), pairs.ratio[here].tolist(), strict=True)) == smallest


def test_no_answer_of_the_whole_release_is_likelier_than_the_ranking_lets_it_count(
    real_graph: CompiledGraph,
) -> None:
    model, pairs = apart(real_graph), denied_pairs(real_graph, real_graph.denied)
    some = np.random.default_rng(4).choice(len(pairs.term), 30, replace=False)
    at_the_cap = 0
    for term, disease, ratio in zip(
        *(p[some].tolist() for p in (pairs.term, pairs.disease, pairs.ratio)), strict=True
    ):
        background = float(real_graph.profiles.background[term])
        if background < 1e-4:
            continue
        likely = model.of_term(term, len(real_graph.disease_ids))[disease]
        assert likely == pytest.approx(background * min(0.2, math.exp(ratio)), rel=1e-4)
        ranked = float(rank(real_graph, [Finding(real_graph.term_ids[term])]).per_finding[0, disease])
        assert ranked <= ratio + 1e-6
        if ratio < math.log(0.2) and ranked == pytest.approx(ratio, abs=1e-5):
            at_the_cap += 1
            assert math.log(likely / background) == pytest.approx(ranked, abs=1e-4)
    assert at_the_cap > 3

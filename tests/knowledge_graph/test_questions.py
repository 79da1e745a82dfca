"""Questions: gains equal a slow, obvious reference; what is settled is not asked; classes have prices."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.answer_model import FLOOR_SHARE, LARGEST, AnswerModel, build_answer_model
from knowledge_graph.questions.askable import askable_terms
from knowledge_graph.questions.cost_table import CostClass, shipped_costs
from knowledge_graph.questions.information_gain import (
    believed_after,
    chance_of_yes,
    expected_gain,
    expected_gain_on,
)
from knowledge_graph.questions.next_question import Questioner
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph

FOCAL, SEIZURE, FEVER, RASH, ITCHY = (TermId(f"HP:00000{n}") for n in (11, 10, 20, 30, 31))
EXCLUDED = FindingState.EXCLUDED
Belief = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


@pytest.fixture(scope="module")
def mini(graph: CompiledGraph) -> AnswerModel:
    return build_answer_model(graph, np.arange(3, dtype=np.intp))


@pytest.fixture(scope="module")
def real(real_graph: CompiledGraph) -> AnswerModel:
    return build_answer_model(real_graph, leaders(real_graph))


def _belief(graph: CompiledGraph, seed: int) -> Belief:
    """Random probabilities over the ids that diseases are shown under."""
    drawn = np.random.default_rng(seed).gamma(0.05, size=len(graph.disease_ids))
    drawn[leaders(graph) != np.arange(len(drawn))] = 0
    return drawn / drawn.sum()


def _likely(graph: CompiledGraph, term: int) -> list[float]:
    """P(yes | disease), read off the profile one disease at a time."""
    floor = min(FLOOR_SHARE * float(graph.profiles.background[term]), LARGEST)
    likely = [floor] * len(graph.disease_ids)
    shown_as = leaders(graph)
    for disease, p in zip(*(part.tolist() for part in graph.profiles.of_term(term)), strict=True):
        lead = int(shown_as[disease])
        likely[lead] = max(likely[lead], min(p, LARGEST))
    return likely


def _bits(distribution: list[float]) -> float:
    return -math.fsum(p * math.log2(p) for p in distribution if p > 0)


def _slow_gain(likely: list[float], belief: list[float], groups: list[int]) -> float:
    """Enumerate both answers, apply Bayes' rule, add up by group, take entropies."""

    def grouped(values: list[float]) -> list[float]:
        found: dict[int, float] = {}
        for group, value in zip(groups, values, strict=True):
            found[group] = found.get(group, 0.0) + value
        return list(found.values())

    left = 0.0
    for given in (likely, [1 - p for p in likely]):
        joint = [b * p for b, p in zip(belief, given, strict=True)]
        chance = math.fsum(joint)
        left += chance * _bits(grouped([j / chance for j in joint]))
    return _bits(grouped(belief)) - left


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_gain_is_what_enumerating_the_answers_gives(
    real_graph: CompiledGraph, real: AnswerModel, seed: int
) -> None:
    belief = _belief(real_graph, seed)
    fast = expected_gain(real, belief)
    every = list(range(len(belief)))
    used = np.unique(real_graph.signatures.term)
    for term in [*np.random.default_rng(seed).choice(used, 6).tolist(), int(fast.argmax())]:
        slow = _slow_gain(_likely(real_graph, term), belief.tolist(), every)
        assert fast[term] == pytest.approx(slow, abs=2e-6)
    assert fast.max() > 0.1


def test_the_gain_on_one_disease_is_that_on_whether_it_is_the_one(
    real_graph: CompiledGraph, real: AnswerModel
) -> None:
    belief = _belief(real_graph, 5)
    disease = int(belief.argsort()[-2])
    fast = expected_gain_on(real, belief, disease)
    one_or_not = [int(d == disease) for d in range(len(belief))]
    shown = real_graph.signatures.of_disease(disease)[0][:3].tolist()
    for term in [*shown, int(fast.argmax())]:
        slow = _slow_gain(_likely(real_graph, term), belief.tolist(), one_or_not)
        assert fast[term] == pytest.approx(slow, abs=2e-6)
    assert fast.max() > 0
    assert expected_gain_on(real, np.eye(len(belief))[disease], disease).max() == 0.0


def test_an_answer_moves_the_belief_by_bayes_rule(graph: CompiledGraph, mini: AnswerModel) -> None:
    belief = np.array([0.5, 0.3, 0.2])
    term = graph.term_number(SEIZURE)
    floor = FLOOR_SHARE * (10 / 14) / 3
    chance = 0.5 * 10 / 14 + 0.5 * floor
    assert chance_of_yes(mini, belief)[term] == pytest.approx(chance)
    after = believed_after(mini, belief, term, yes=True)
    assert after.tolist() == pytest.approx(
        [0.5 * (10 / 14) / chance, 0.3 * floor / chance, 0.2 * floor / chance]
    )
    after = believed_after(mini, belief, term, yes=False)
    assert after[0] == pytest.approx(0.5 * (4 / 14) / (1 - chance))


def test_ids_of_one_disease_are_joined_with_the_likelier_frequency(graph: CompiledGraph) -> None:
    joined = build_answer_model(graph, np.array([0, 0, 2]))
    fever = graph.term_number(FEVER)
    own = dict(zip(*(p.tolist() for p in graph.profiles.of_term(fever)), strict=True))
    likely = joined.of_term(fever, 3)
    assert likely[0] == pytest.approx(max(own[0], own[1]))
    assert likely[2] == pytest.approx(own[2])
    itchy = graph.term_number(ITCHY)  # the other id alone shows it
    assert joined.of_term(itchy, 3)[0] == pytest.approx(graph.profiles.of_term(itchy)[1][0])


def test_what_is_known_implied_or_excluded_is_not_asked(graph: CompiledGraph) -> None:
    def asked(*findings: Finding, skip: tuple[str, ...] = ()) -> set[str]:
        mask = askable_terms(graph, findings, skip=skip)
        return {graph.term_ids[t] for t in np.flatnonzero(mask)}

    assert asked() == {FOCAL, ITCHY}  # the others are children of the root: whole systems
    assert asked(Finding(FOCAL)) == {ITCHY}
    assert asked(Finding(SEIZURE)) == {FOCAL, ITCHY}
    assert asked(Finding(SEIZURE, EXCLUDED)) == {ITCHY}
    assert asked(Finding(RASH, EXCLUDED), skip=(FOCAL,)) == set()


def test_an_observed_descendant_settles_its_ancestors_on_the_real_release(real_graph: CompiledGraph) -> None:
    found = Finding(TermId("HP:0002069"))  # Bilateral tonic-clonic seizure
    gone = Finding(TermId("HP:0001627"), EXCLUDED)  # Abnormal heart morphology
    mask = askable_terms(real_graph, [found, gone])
    assert not mask[real_graph.term_number("HP:0001250")]  # Seizure
    assert not mask[real_graph.term_number("HP:0001631")]  # Atrial septal defect
    assert mask[real_graph.term_number("HP:0007359")]  # Focal-onset seizure


def test_nobody_is_asked_about_organs_of_the_other_sex(real_graph: CompiledGraph) -> None:
    undescended = real_graph.term_number("HP:0000028")
    assert askable_terms(real_graph, [])[undescended]
    assert askable_terms(real_graph, [], sex=Sex.MALE)[undescended]
    assert not askable_terms(real_graph, [], sex=Sex.FEMALE)[undescended]


@pytest.fixture(scope="module")
def questioner(real_graph: CompiledGraph, real: AnswerModel) -> Questioner:
    return Questioner(real_graph, real, shipped_costs(real_graph).of_terms(real_graph))


def test_the_best_questions_are_first_by_gain_for_cost_and_imply_none_of_each_other(
    real_graph: CompiledGraph, questioner: Questioner
) -> None:
    belief = _belief(real_graph, 7)
    best = questioner.best(belief, [], count=8)
    worth = [q.gain_bits / q.cost for q in best]
    assert len(best) == 8
    assert worth == sorted(worth, reverse=True)
    for a in best:
        assert not any(a is not b and real_graph.is_a(a.term_id, b.term_id) for b in best)
        assert a.if_yes.chance + a.if_no.chance == pytest.approx(1)
        assert 0 < a.share < 1
    ruled = questioner.best(belief, [], rule=int(belief.argmax()), count=3)
    named = real_graph.disease_ids[int(belief.argmax())]
    assert all(q.if_yes.disease_id == q.if_no.disease_id == named for q in ruled)
    assert all(
        (q.if_yes.probability - belief.max()) * (q.if_no.probability - belief.max()) < 0 for q in ruled
    )


def test_nothing_is_asked_where_all_is_settled(real_graph: CompiledGraph, questioner: Questioner) -> None:
    assert questioner.best(np.eye(len(real_graph.disease_ids))[4], []) == ()


@pytest.mark.parametrize(
    ("term", "kind"),
    [
        ("HP:0001250", CostClass.ASK),  # Seizure
        ("HP:0001166", CostClass.EXAMINE),  # Arachnodactyly
        ("HP:0001903", CostClass.BLOOD),  # Anemia
        ("HP:0001631", CostClass.IMAGING),  # Atrial septal defect
        ("HP:0003200", CostClass.BIOPSY),  # Ragged-red muscle fibers
        ("HP:0003221", CostClass.SEQUENCING),  # Chromosomal breakage induced by crosslinking agents
    ],
)
def test_the_shipped_table_knows_how_a_finding_is_established(
    real_graph: CompiledGraph, questioner: Questioner, term: str, kind: CostClass
) -> None:
    assert questioner.costs.kind(real_graph.term_number(term)) is kind


def test_each_remark_of_the_shipped_table_is_the_name_of_its_term(real_graph: CompiledGraph) -> None:
    text = (Path(__file__).parents[2] / "resources" / "questions" / "costs.toml").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith('"HP:')]
    assert len(lines) > 150
    for line in lines:
        term, remark = line.split('"')[1], line.split("# ")[1]
        assert real_graph.term_names[real_graph.term_number(term)] == remark

"""Questions: gains equal a slow, obvious reference; what is settled is not asked; classes have prices."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.denied import SELDOM
from knowledge_graph.graph.overlay import overlaid
from knowledge_graph.questions.answer_model import FLOOR_SHARE, LARGEST, AnswerModel, build_answer_model
from knowledge_graph.questions.askable import askable_terms
from knowledge_graph.questions.asking_ages import shipped_ages
from knowledge_graph.questions.cost_table import CostClass, shipped_costs
from knowledge_graph.questions.information_gain import CAUTION, chance_of_yes, expected_gain, expected_gain_on
from knowledge_graph.questions.next_question import Questioner
from knowledge_graph.questions.own_names import own_names
from knowledge_graph.ranking.denial import denials
from knowledge_graph.sources.pack_reading import COMMON, read_pack
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
    drawn: Belief = np.random.default_rng(seed).gamma(0.05, size=len(graph.disease_ids))
    drawn[leaders(graph) != np.arange(len(drawn))] = 0
    drawn /= drawn.sum()
    return drawn


def _likely(graph: CompiledGraph, term: int) -> list[float]:
    """P(yes | disease), read off the profile and the denials one id at a time."""
    background = float(graph.profiles.background[term])
    floor = min(FLOOR_SHARE * background, LARGEST)
    shown_as = leaders(graph).tolist()
    heard = [floor] * len(shown_as)
    for disease, p in zip(*(part.tolist() for part in graph.profiles.of_term(term)), strict=True):
        heard[shown_as[disease]] = max(heard[shown_as[disease]], min(p, LARGEST))
    cap: dict[int, float] = {}
    denied = denials(graph, [Finding(graph.term_ids[term])])
    for disease, ratio in zip(denied.disease.tolist(), denied.ratio.tolist(), strict=True):
        cap[disease] = min(cap.get(disease, math.inf), background * math.exp(ratio))
    said: dict[int, list[float]] = {}
    for disease, line in enumerate(shown_as):
        said.setdefault(line, []).append(min(heard[line], cap.get(disease, math.inf)))
    return [math.fsum(said[d]) / len(said[d]) if d in said else floor for d in range(len(shown_as))]


def _bits(distribution: list[float]) -> float:
    return -math.fsum(p * math.log2(p) for p in distribution if p > 0)


def _slow_gain(likely: list[float], belief: list[float], groups: list[int], weight: float) -> float:
    """Enumerate both answers, apply Bayes' rule, add up by group, take entropies."""
    usual = math.fsum(b * p for b, p in zip(belief, likely, strict=True))
    likely = [min(usual * (p / usual) ** weight, 0.999) for p in likely]

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


@pytest.mark.parametrize(("seed", "weight"), [(1, 1.0), (2, 0.3), (3, 0.6)])
def test_the_gain_is_what_enumerating_the_answers_gives(
    real_graph: CompiledGraph, real: AnswerModel, seed: int, weight: float
) -> None:
    belief = _belief(real_graph, seed)
    fast = expected_gain(real, belief, weight=weight)
    every = list(range(len(belief)))
    used = np.unique(real_graph.signatures.term)
    for term in [*np.random.default_rng(seed).choice(used, 6).tolist(), int(fast.argmax())]:
        slow = _slow_gain(_likely(real_graph, term), belief.tolist(), every, weight)
        assert fast[term] == pytest.approx(slow, abs=2e-6)
    assert fast.max() > 0.01


@pytest.mark.parametrize("weight", [1.0, 0.4])
def test_the_gain_on_one_disease_is_that_on_whether_it_is_the_one(
    real_graph: CompiledGraph, real: AnswerModel, weight: float
) -> None:
    belief = _belief(real_graph, 5)
    disease = int(belief.argsort()[-2])
    fast = expected_gain_on(real, belief, disease, weight=weight)
    one_or_not = [int(d == disease) for d in range(len(belief))]
    shown = real_graph.signatures.of_disease(disease)[0][:3].tolist()
    for term in [*shown, int(fast.argmax())]:
        slow = _slow_gain(_likely(real_graph, term), belief.tolist(), one_or_not, weight)
        assert fast[term] == pytest.approx(slow, abs=2e-6)
    assert fast.max() > 0
    assert expected_gain_on(real, np.eye(len(belief))[disease], disease).max() == 0.0


def test_the_chance_of_yes_is_the_mean_over_the_belief(graph: CompiledGraph, mini: AnswerModel) -> None:
    background = (10 / 14) / 3
    chance = chance_of_yes(mini, np.array([0.5, 0.3, 0.2]))[graph.term_number(SEIZURE)]
    assert chance == pytest.approx(0.5 * 10 / 14 + (0.3 * FLOOR_SHARE + 0.2 * SELDOM) * background)


def test_an_answer_that_counts_less_tells_less(real_graph: CompiledGraph, real: AnswerModel) -> None:
    belief = _belief(real_graph, 9)
    tells = [expected_gain(real, belief, weight=w).max() for w in (0.1, 0.4, 1.0)]
    assert tells[0] < tells[1] < tells[2]


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
    focal = real_graph.term_number("HP:0007359")  # Focal-onset seizure
    assert mask[focal]
    denied = Finding(TermId("HP:0001250"), EXCLUDED)
    assert not askable_terms(real_graph, [denied])[focal]
    assert askable_terms(real_graph, [denied, found])[focal]  # what is observed takes the denial back


def test_nobody_is_asked_about_organs_of_the_other_sex(real_graph: CompiledGraph) -> None:
    undescended = real_graph.term_number("HP:0000028")
    assert askable_terms(real_graph, [])[undescended]
    assert askable_terms(real_graph, [], sex=Sex.MALE)[undescended]
    assert not askable_terms(real_graph, [], sex=Sex.FEMALE)[undescended]


@pytest.mark.parametrize(
    ("sex", "never"),
    [
        (
            Sex.MALE,
            r"menstru|menorrh|menarche|\bovar|vulv|vaginal (bleed|discharge|foreign)|during preg|partum hem",
        ),
        (
            Sex.FEMALE,
            r"sperm|zoosp|erectile|ejacul|testic|prostat|penis|penile|scrot|hypospad|priapism|gynecomast",
        ),
    ],
)
def test_nobody_is_asked_what_the_other_sex_alone_can_have(
    real_graph: CompiledGraph, sex: Sex, never: str
) -> None:
    asked = np.flatnonzero(askable_terms(real_graph, [], sex=sex)).tolist()
    names = [real_graph.term_names[term] for term in asked]
    # what came before birth is asked of whoever was born
    assert [n for n in names if re.search(never, n, re.IGNORECASE)] in ([], ["Antepartum hemorrhage"])
    assert {"Placental abruption", "Seizure", "Polyhydramnios"} <= set(names)


@pytest.mark.parametrize(
    ("years", "never", "asked"),
    [
        (0.2, r"headache|migraine|^nausea$|myalgia|vertigo|intellectual|infertil|menorrh", "Fever"),
        (2, r"infertil|menorrh|erectile|intellectual disab|learning disab", "Inability to walk"),
        (40, r"^(large|bulging|anterior|abnormal fontanel).*fontanel", "Infertility"),
    ],
)
def test_nobody_is_asked_what_a_person_of_that_age_cannot_tell_or_have(
    real_graph: CompiledGraph, years: float, never: str, asked: str
) -> None:
    def names(age_days: int | None) -> set[str]:
        mask = askable_terms(real_graph, [], age_days=age_days)
        return {real_graph.term_names[term] for term in np.flatnonzero(mask).tolist()}

    left = names(round(365.25 * years))
    assert asked in left
    assert not [name for name in left if re.search(never, name, re.IGNORECASE)]
    assert [name for name in names(None) - left if re.search(never, name, re.IGNORECASE)]


def test_nobody_is_asked_about_half_a_body(real_graph: CompiledGraph) -> None:
    asked = {real_graph.term_names[term] for term in np.flatnonzero(askable_terms(real_graph, [])).tolist()}
    assert not {"Abnormal nervous system physiology", "Abnormality of the vasculature"} & asked
    assert {"Seizure", "Abnormal pinna morphology"} <= asked


def test_the_table_of_ages_names_terms_as_the_ontology_does(real_graph: CompiledGraph) -> None:
    ages = shipped_ages()
    for line in (*ages.first, *ages.below):
        term, name = line.split(" ", 1)
        assert real_graph.term_names[real_graph.term_index[TermId(term)]] == name


@pytest.fixture(scope="module")
def questioner(real_graph: CompiledGraph, real: AnswerModel) -> Questioner:
    costs = shipped_costs(real_graph).of_terms(real_graph)
    return Questioner(real_graph, real, costs, own_names(real_graph, leaders(real_graph)))


def _by_bayes(questioner: Questioner, belief: Belief) -> Callable[[Finding], Belief]:
    def believe(finding: Finding) -> Belief:
        likely = questioner.model.of_term(questioner.graph.term_number(finding.term_id), len(belief))
        joint = belief * (likely if finding.state is FindingState.OBSERVED else 1 - likely)
        after: Belief = joint / joint.sum()
        return after

    return believe


@pytest.fixture(scope="module")
def common_graph(real_graph: CompiledGraph) -> CompiledGraph:
    return overlaid(real_graph, [read_pack(COMMON)])


def test_a_suspected_diseases_own_name_is_no_question_unless_a_test_shows_it(
    common_graph: CompiledGraph,
) -> None:
    joined = leaders(common_graph)
    model = build_answer_model(common_graph, joined)
    costs = shipped_costs(common_graph).of_terms(common_graph)
    questioner = Questioner(common_graph, model, costs, own_names(common_graph, joined))
    belief = np.zeros(len(joined))
    suspects = ("COMMON:migraine", "COMMON:tension-type-headache", "COMMON:bacterial-meningitis")
    for disease in suspects:
        belief[joined[common_graph.disease_number(disease)]] = 1 / len(suspects)
    questions = questioner.best(belief, [], believe=_by_bayes(questioner, belief), count=200)
    kinds = {question.name: question.cost_class for question in questions}
    assert not {"Migraine", "Unusual infection"} & set(kinds)
    assert {"Phonophobia", "Fever"} <= set(kinds)
    assert kinds["Meningitis"] is CostClass.BIOPSY  # the spinal fluid
    sure_of_another = np.zeros(len(joined))
    sure_of_another[joined[common_graph.disease_number("COMMON:gout")]] = 1
    assert common_graph.term_number("HP:0002076") not in questioner.names.of_suspected(sure_of_another)


def test_questions_are_chosen_by_a_belief_that_is_less_sure_than_it_stands(
    real_graph: CompiledGraph, questioner: Questioner
) -> None:
    belief = _belief(real_graph, 3)
    raised = np.array([p**CAUTION for p in belief.tolist()])
    held = raised / raised.sum()
    gain = expected_gain(questioner.model, held, weight=0.7)
    assert questioner.gains(belief, weight=0.7) == pytest.approx(gain)
    (first, *_) = questioner.best(belief, [], believe=_by_bayes(questioner, belief), weight=0.7)
    assert first.gain_bits == pytest.approx(gain[real_graph.term_index[first.term_id]])
    assert first.share == pytest.approx(first.gain_bits / -sum(p * math.log2(p) for p in held.tolist() if p))
    rule = int(belief.argmax())
    on_one = expected_gain_on(questioner.model, belief, rule)
    assert questioner.gains(belief, rule=rule) == pytest.approx(on_one)


def test_the_best_questions_are_first_by_gain_for_cost_and_imply_none_of_each_other(
    real_graph: CompiledGraph, questioner: Questioner
) -> None:
    belief = _belief(real_graph, 7)
    best = questioner.best(belief, [], believe=_by_bayes(questioner, belief), count=8)
    worth = [q.gain_bits / q.cost for q in best]
    assert len(best) == 8
    assert worth == sorted(worth, reverse=True)
    for a in best:
        assert not any(a is not b and real_graph.is_a(a.term_id, b.term_id) for b in best)
        assert a.if_yes.chance + a.if_no.chance == pytest.approx(1)
        assert 0 < a.share < 1


def test_ruling_in_tells_what_each_answer_makes_of_the_disease(
    real_graph: CompiledGraph, questioner: Questioner
) -> None:
    belief = _belief(real_graph, 7)
    one = int(belief.argmax())
    ruled = questioner.best(belief, [], believe=_by_bayes(questioner, belief), rule=one, count=3)
    assert len(ruled) == 3
    for question in ruled:
        told = (question.if_yes, question.if_no)
        assert {outcome.disease_id for outcome in told} == {real_graph.disease_ids[one]}
        mean = sum(outcome.chance * outcome.probability for outcome in told)
        assert mean == pytest.approx(belief[one])
        assert {outcome.probability > belief[one] for outcome in told} == {True, False}


def test_nothing_is_asked_where_all_is_settled(real_graph: CompiledGraph, questioner: Questioner) -> None:
    sure = np.eye(len(real_graph.disease_ids))[4]
    assert questioner.best(sure, [], believe=_by_bayes(questioner, sure)) == ()


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

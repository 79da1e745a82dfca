"""Every rule that ships: its terms and diseases exist, it fires on the least it asks and on nothing less."""

import numpy as np
import pytest

from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.checking import check_file
from knowledge_graph.rules.constraints import constraint_share
from knowledge_graph.rules.facts import CodedCondition, Facts, LabValue
from knowledge_graph.rules.rule import Constraint, RedFlag, RuleBook, days_of, term_of
from knowledge_graph.rules.rule_file import merge, shipped_rules
from knowledge_graph.rules.trace import apply_rules
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.rule_cases import fires_slowly, least_facts, one_piece_less

FILES = shipped_rules()
BOOK = merge(FILES)
FLAGS = (*BOOK.red_flags, *BOOK.pairs)


def alone(rule: RedFlag) -> RuleBook:
    return RuleBook(red_flags=(rule,), sources=BOOK.sources)


@pytest.mark.parametrize("place", range(len(FILES)), ids=["red flags", "constraints", "laboratory"])
def test_the_checker_has_nothing_to_say_of_what_ships(real_graph: CompiledGraph, place: int) -> None:
    assert check_file(real_graph, FILES[place], FILES[:place]) == ()


def test_there_are_as_many_rules_as_the_program_says() -> None:
    assert len(BOOK.red_flags) >= 60
    assert len(BOOK.pairs) >= 20
    assert sum(len(r.loinc) * ((r.low is not None) + (r.high is not None)) for r in BOOK.laboratory) >= 120
    assert all(source.name for source in BOOK.sources.values())


@pytest.mark.parametrize("rule", FLAGS, ids=lambda r: r.id)
def test_a_rule_fires_on_the_least_it_asks_and_is_silent_without(
    real_graph: CompiledGraph, rule: RedFlag
) -> None:
    facts = least_facts(rule)
    fired = apply_rules(real_graph, alone(rule), facts).alerts
    assert [a.rule_id for a in fired] == [rule.id]
    assert fired[0].source
    for less in one_piece_less(rule, facts):
        assert apply_rules(real_graph, alone(rule), less).alerts == ()


def test_nobody_without_findings_gets_an_alert(real_graph: CompiledGraph) -> None:
    for sex in (Sex.FEMALE, Sex.MALE, Sex.UNKNOWN):
        for age in (None, 10, 20_000):
            trace = apply_rules(real_graph, BOOK, Facts(sex=sex, age_days=age))
            assert (trace.alerts, trace.almost) == ((), ())
            assert trace.rules_tried == len(FLAGS)


@pytest.mark.parametrize("neck", ["HP:0031179", "HP:0025258"])  # Nuchal rigidity, Stiff neck
def test_a_stiff_neck_is_one_however_it_is_coded(real_graph: CompiledGraph, neck: str) -> None:
    told = tuple(Finding(TermId(t)) for t in ("HP:0001945", "HP:0000613", neck))  # Fever, Photophobia
    assert "meningitis" in {alert.rule_id for alert in apply_rules(real_graph, BOOK, Facts(told)).alerts}


@pytest.mark.parametrize(
    ("loinc", "value", "unit", "fires"),
    [
        ("2000-8", 3.6, "mmol/L", {"hypercalcaemia-severe"}),
        ("17861-6", 14.4, "mg/dL", {"hypercalcaemia-severe-mg"}),
        ("17861-6", 7.2, "mg/dL", {"hypocalcaemia-severe-mg"}),
        ("17861-6", 3.6, "mmol/L", {"hypercalcaemia-severe"}),  # the unit counts, whatever the code says
        ("17861-6", 3.6, "", set()),
        ("2345-7", 2.5, "mmol/L", {"severe-hypoglycaemia"}),
        ("2345-7", 45, "mg/dL", {"severe-hypoglycaemia-mg"}),
        ("17861-6", 9.5, "mg/dL", set()),
        ("1841-6", 300, "ug/dL", {"ammonia-very-high-mass"}),
        ("1841-6", 160, "ug/dL", set()),
    ],
)
def test_a_value_raises_the_same_alert_in_either_unit(
    real_graph: CompiledGraph, loinc: str, value: float, unit: str, fires: set[str]
) -> None:
    trace = apply_rules(real_graph, BOOK, Facts(labs=(LabValue(loinc, value, unit),)))
    assert {alert.rule_id for alert in trace.alerts} == fires


@pytest.mark.slow
def test_the_quick_evaluation_agrees_with_the_slow_one(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(7)
    fired = 0
    for _ in range(60):
        facts = random_facts(real_graph, rng)
        quick = {a.rule_id for a in apply_rules(real_graph, BOOK, facts).alerts}
        slow = {rule.id for rule in FLAGS if fires_slowly(real_graph, rule, facts)}
        assert quick == slow
        fired += len(slow)
    assert fired > 40  # or the comparison says little


def random_facts(graph: CompiledGraph, rng: np.random.Generator) -> Facts:
    """Terms that rules ask for, or terms just below or above them, some of them excluded."""
    asked = sorted({term_of(text) for rule in FLAGS for text in (*rule.all, *rule.any, *rule.unless)})
    findings = []
    for term in rng.choice(asked, size=9, replace=False):
        number = graph.term_number(str(term))
        near = [number, *graph.children[number].tolist()[:3], *graph.parents[number].tolist()]
        state = FindingState.EXCLUDED if rng.random() < 0.2 else FindingState.OBSERVED
        findings.append(Finding(TermId(graph.term_ids[int(rng.choice(near))]), state))
    conditions = [c for rule in FLAGS for c in rule.codes]
    labs = [condition for rule in FLAGS for condition in rule.labs]
    lab = labs[int(rng.integers(len(labs)))]
    unit = (lab.units or ["U/L"])[0] if rng.random() < 0.8 else ""
    system, code = conditions[int(rng.integers(len(conditions)))].split(":", 1)
    return Facts(
        findings=tuple(findings),
        sex=[Sex.FEMALE, Sex.MALE, Sex.UNKNOWN][int(rng.integers(3))],
        age_days=None if rng.random() < 0.2 else int(rng.integers(0, 30_000)),
        conditions=(CodedCondition(system, code),),
        labs=(LabValue(lab.loinc[0], float(rng.choice([0.5, 5, 50, 500])), unit, upper=60.0, side="high"),),
    )


@pytest.mark.parametrize("rule", BOOK.constraints, ids=lambda r: r.id)
def test_a_constraint_bears_on_its_diseases_and_on_nobody_it_allows(
    real_graph: CompiledGraph, rule: Constraint
) -> None:
    book = RuleBook(constraints=(rule,), sources=BOOK.sources)
    allowed_sex = rule.sex or Sex.FEMALE
    low = days_of(rule.age_from) if rule.age_from else 0.0
    allowed_age = int(low) + 1
    share = constraint_share(real_graph, book, sex=allowed_sex, age_days=allowed_age)
    assert rule.id not in {h.rule_id for h in share.held}
    wrong_sex = Sex.MALE if allowed_sex is Sex.FEMALE else Sex.FEMALE
    below = rule.age_below
    wrong_age = int(days_of(below)) + 1 if below else int(low) - 1
    broken = constraint_share(
        real_graph,
        book,
        sex=wrong_sex if rule.sex else allowed_sex,
        age_days=allowed_age if rule.sex else wrong_age,
    )
    diseases = {real_graph.disease_number(term_of(text)) for text in rule.diseases}
    (held,) = (h for h in broken.held if h.rule_id == rule.id)
    assert set(held.diseases) == diseases
    assert held.source
    unknown = constraint_share(real_graph, book, sex=Sex.UNKNOWN, age_days=None)
    assert unknown.held == ()

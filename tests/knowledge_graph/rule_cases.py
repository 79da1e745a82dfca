"""The least that makes a rule fire, and a slow, obvious evaluation to hold the quick one against."""

from collections.abc import Iterator
from dataclasses import replace

from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.facts import CodedCondition, Facts, LabValue
from knowledge_graph.rules.rule import LabCondition, RedFlag, days_of, term_of
from knowledge_graph.terms.term import TermId


def least_facts(rule: RedFlag) -> Facts:
    """Everything a rule asks, and nothing else."""
    terms = [*rule.all, *rule.any[: rule.at_least]]
    return Facts(
        findings=tuple(Finding(TermId(term_of(text))) for text in terms),
        sex=rule.sex or Sex.UNKNOWN,
        age_days=_age(rule),
        conditions=tuple(CodedCondition(*code.split(":", 1)) for code in rule.codes[:1]),
        labs=tuple(_lab(condition) for condition in rule.labs),
    )


def one_piece_less(rule: RedFlag, facts: Facts) -> Iterator[Facts]:
    """The same without each single thing that the rule asks."""
    for finding in facts.findings:
        yield replace(facts, findings=tuple(f for f in facts.findings if f is not finding))
    for lab in facts.labs:
        yield replace(facts, labs=tuple(v for v in facts.labs if v is not lab))
    if rule.codes:
        yield replace(facts, conditions=())
    if rule.sex is not None:
        yield replace(facts, sex=Sex.MALE if rule.sex is Sex.FEMALE else Sex.FEMALE)
        yield replace(facts, sex=Sex.UNKNOWN)
    if rule.age_from:
        yield replace(facts, age_days=int(days_of(rule.age_from)) - 1)
    if rule.age_below:
        yield replace(facts, age_days=int(days_of(rule.age_below)) + 1)
    if rule.age_from or rule.age_below:
        yield replace(facts, age_days=None)


def fires_slowly(graph: CompiledGraph, rule: RedFlag, facts: Facts) -> bool:
    """What the rule means, said without any index: terms are walked up parent by parent."""
    observed = {f.term_id for f in facts.findings if f.state is FindingState.OBSERVED}
    excluded = {f.term_id for f in facts.findings if f.state is FindingState.EXCLUDED}

    def there(text: str) -> bool:
        term = TermId(term_of(text))
        if term not in observed and _upwards(graph, term) & excluded:
            return False
        return any(term in _upwards(graph, seen) for seen in observed)

    codes = [code.split(":", 1) for code in rule.codes]
    coded = any(
        c.system == system and c.code.replace(".", "").startswith(code.replace(".", ""))
        for c in facts.conditions
        for system, code in codes
    )
    old_enough = rule.age_from is None or (facts.age_days or 0) >= days_of(rule.age_from)
    young_enough = rule.age_below is None or (facts.age_days or 0) < days_of(rule.age_below)
    aged = (rule.age_from is None and rule.age_below is None) or facts.age_days is not None
    return (
        all(there(text) for text in rule.all)
        and (not rule.any or sum(there(text) for text in rule.any) >= rule.at_least)
        and not any(there(text) for text in rule.unless)
        and (not codes or coded)
        and (rule.sex is None or facts.sex is rule.sex)
        and (aged and old_enough and young_enough)
        and all(_lab_there(condition, facts) for condition in rule.labs)
    )


def _lab_there(condition: LabCondition, facts: Facts) -> bool:
    """For values without a comparator only."""
    for lab in facts.labs:
        if lab.loinc not in condition.loinc:
            continue
        if condition.side and lab.side == condition.side:
            return True
        comparable = lab.unit in condition.units and lab.value is not None
        if condition.at_least is not None and comparable and (lab.value or 0) >= condition.at_least:
            return True
        if condition.at_most is not None and comparable and (lab.value or 0) <= condition.at_most:
            return True
        if condition.times_upper is not None and lab.upper is not None and lab.value is not None:
            return lab.value >= condition.times_upper * lab.upper
    return False


def _upwards(graph: CompiledGraph, term: str) -> set[str]:
    reached, waiting = set(), [graph.term_index[TermId(term)]]
    while waiting:
        number = waiting.pop()
        reached.add(graph.term_ids[number])
        waiting += graph.parents[number].tolist()
    return set(reached)


def _age(rule: RedFlag) -> int | None:
    if rule.age_from is None and rule.age_below is None:
        return None
    return int(days_of(rule.age_from)) + 1 if rule.age_from else 0


def _lab(condition: LabCondition) -> LabValue:
    code = condition.loinc[0]
    if condition.side:
        return LabValue(code, side=condition.side)
    if condition.times_upper is not None:
        return LabValue(code, condition.times_upper * 60.0, "U/L", upper=60.0)
    bound = condition.at_least if condition.at_least is not None else condition.at_most
    return LabValue(code, bound, condition.units[0])

"""Checks rule files against the knowledge: ids, names, sources, codes, and what can never fire."""

from collections.abc import Iterable, Iterator, Sequence

from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.laboratory import check_digit_holds
from knowledge_graph.rules.rule import (
    Constraint,
    LabCondition,
    LaboratoryRule,
    RedFlag,
    SwitchOff,
    days_of,
    name_of,
    term_of,
)
from knowledge_graph.rules.rule_file import PlacedRule, Problem, RuleFile
from knowledge_graph.terms.term import DiseaseId

ABNORMALITY = "HP:0000118"
Said = tuple[str, str, str]  # key, value, what is wrong with it


def check_file(graph: CompiledGraph, file: RuleFile, earlier: Sequence[RuleFile] = ()) -> tuple[Problem, ...]:
    """Every problem of a file, by line. `earlier` are the files it is merged after."""
    problems = list(file.problems)
    names = {name for f in (*earlier, file) for name in f.sources}
    taken = {
        placed.rule.id for f in earlier for placed in f.rules if isinstance(placed.rule, RedFlag | Constraint)
    }
    seen: dict[str, int] = {}
    for placed in file.rules:
        for key, value, message in _said_of(graph, placed, names, taken):
            problems.append(Problem(file.line_of(placed, key, value), f"{_label(placed)}: {message}"))
        problems += _repeated(file, placed, seen)
    problems += _double_codes(file)
    problems += _sources(file, earlier)
    return tuple(sorted(set(problems), key=lambda p: (p.line, p.message)))


def _label(placed: PlacedRule) -> str:
    rule = placed.rule
    return f"test {rule.name!r}" if isinstance(rule, LaboratoryRule) else f"rule {rule.id!r}"


def _repeated(file: RuleFile, placed: PlacedRule, seen: dict[str, int]) -> Iterator[Problem]:
    if isinstance(placed.rule, SwitchOff):
        return
    named = _label(placed)
    line = file.line_of(placed, "name" if isinstance(placed.rule, LaboratoryRule) else "id")
    if named in seen:
        yield Problem(line, f"{named} stands in line {seen[named]} already; give it a name of its own")
    seen.setdefault(named, line)


def _double_codes(file: RuleFile) -> Iterator[Problem]:
    owner: dict[str, str] = {}
    for placed in file.rules:
        if isinstance(placed.rule, LaboratoryRule):
            for code in placed.rule.loinc:
                if code in owner:
                    line = file.line_of(placed, "loinc", code)
                    yield Problem(line, f"LOINC {code} belongs to {owner[code]!r} already; name it once")
                owner.setdefault(code, placed.rule.name)


def _sources(file: RuleFile, earlier: Sequence[RuleFile]) -> Iterator[Problem]:
    used = {getattr(placed.rule, "source", "") for placed in file.rules}
    known = {name: source for f in earlier for name, source in f.sources.items()}
    for name, source in file.sources.items():
        line = file.lines.line(f"sources.{name}")
        if known.get(name, source) != source:
            yield Problem(line, f"source {name!r} is another one already ({known[name].name}); rename it")
        elif name not in used and not file.problems:
            yield Problem(line, f"source {name!r} is described and never used")


def _said_of(graph: CompiledGraph, placed: PlacedRule, sources: set[str], taken: set[str]) -> Iterator[Said]:
    rule = placed.rule
    if isinstance(rule, SwitchOff):
        if rule.id not in taken:
            yield "id", rule.id, "there is no such rule to switch off"
        return
    if rule.source not in sources:
        yield "source", rule.source, f"source {rule.source!r} is not described; add [sources.{rule.source}]"
    if isinstance(rule, RedFlag):
        yield from _flag(graph, rule, pair=placed.block == "pair")
    elif isinstance(rule, Constraint):
        yield from _constraint(graph, rule)
    else:
        yield from _test(graph, rule)


def _flag(graph: CompiledGraph, rule: RedFlag, *, pair: bool) -> Iterator[Said]:
    for key, texts in (("all", rule.all), ("any", rule.any), ("unless", rule.unless)):
        for text in texts:
            yield from _term(graph, key, text)
        yield from _covered(graph, key, texts)
    yield from _implied(graph, rule)
    if not (rule.all or rule.any or rule.labs or rule.codes):
        yield "id", "", "asks for nothing: name findings in all or any, or labs, or codes"
    if rule.any and rule.at_least > len(rule.any):
        yield "at_least", "", f"at_least {rule.at_least} of {len(rule.any)} findings can never be met"
    if not rule.any and rule.at_least > 1:
        yield "at_least", "", "at_least counts the findings of any, and there are none"
    if pair and (len(rule.all) != 2 or rule.any):
        yield "all", "", "a pair has two findings in all, and no any"
    for condition in rule.labs:
        yield from _lab_condition(condition)
    yield from _person(rule.sex, rule.age_from, rule.age_below)


def _term(graph: CompiledGraph, key: str, text: str) -> Iterator[Said]:
    given, name = term_of(text), name_of(text)
    try:
        current = graph.resolve(given)
    except UnknownTerm:
        yield key, given, f"{given} is no current term of this knowledge (HPO {graph.version})"
        return
    number = graph.term_index[current]
    official = graph.term_names[number]
    if current != given:
        yield key, given, f"{given} has become {current} {official}"
    elif name != official:
        yield key, given, f"{given} is {official!r}, not {name!r}; check which of the two is meant"
    if number < graph.hpo_terms and not graph.is_a(current, ABNORMALITY):
        yield key, given, f"{given} {official} is no phenotypic abnormality, so nobody can show it"


def _covered(graph: CompiledGraph, key: str, texts: Sequence[str]) -> Iterator[Said]:
    """Of two findings where one implies the other, one says nothing: the lower in any, the upper in all."""
    numbers = [(text, graph.term_number(term_of(text))) for text in texts if _is_known(graph, text)]
    for text, number in numbers:
        above = set(graph.ancestors[number].tolist())
        for other, upper in numbers:
            if other is not text and upper in above:
                yield (
                    key,
                    term_of(text),
                    f"{name_of(text)} lies at or below {name_of(other)}; name one of them",
                )


def _implied(graph: CompiledGraph, rule: RedFlag) -> Iterator[Said]:
    """A finding of any that one of all brings along is always met; one of unless never lets the rule fire."""
    wanted = [graph.term_number(term_of(text)) for text in rule.all if _is_known(graph, text)]
    above = {ancestor for number in wanted for ancestor in graph.ancestors[number].tolist()}
    for text in rule.any:
        if _is_known(graph, text) and graph.term_number(term_of(text)) in above:
            yield "any", term_of(text), f"{name_of(text)} is always met, since all asks for it or for more"
    for text in rule.unless:
        if _is_known(graph, text) and graph.term_number(term_of(text)) in above:
            yield "unless", term_of(text), f"{name_of(text)} is asked for by all, so the rule can never fire"


def _is_known(graph: CompiledGraph, text: str) -> bool:
    try:
        graph.resolve(term_of(text))
    except UnknownTerm:
        return False
    return True


def _lab_condition(condition: LabCondition) -> Iterator[Said]:
    given = [condition.at_least, condition.at_most, condition.times_upper, condition.side or None]
    if sum(value is not None for value in given) != 1:
        yield "labs", condition.test, "a laboratory value has one of at_least, at_most, times_upper and side"
    if condition.side not in ("", "low", "high"):
        yield "labs", condition.side, f"side is low or high, not {condition.side!r}"
    bounded = condition.at_least is not None or condition.at_most is not None
    if bounded and not condition.units:
        yield "labs", condition.test, f'{condition.test}: a bound needs its units, such as units = ["mmol/L"]'
    yield from _loinc("labs", condition.loinc)


def _loinc(key: str, codes: Iterable[str]) -> Iterator[Said]:
    for code in codes:
        if not check_digit_holds(code):
            yield key, code, f"LOINC {code} has a wrong check digit; look it up again"


def _person(sex: Sex | None, age_from: str | None, age_below: str | None) -> Iterator[Said]:
    if sex in (Sex.OTHER, Sex.UNKNOWN):
        yield "sex", "", "sex is FEMALE or MALE; leave it out for everybody"
    if age_from and age_below and days_of(age_from) >= days_of(age_below):
        yield "age_below", "", f"nobody is {age_from} or older and younger than {age_below}"


def _constraint(graph: CompiledGraph, rule: Constraint) -> Iterator[Said]:
    if rule.sex is None and rule.age_from is None and rule.age_below is None:
        yield "id", "", "asks for nothing: name sex, age_from or age_below"
    yield from _person(rule.sex, rule.age_from, rule.age_below)
    for text in rule.diseases:
        number = graph.disease_index.get(DiseaseId(term_of(text)))
        if number is None:
            yield (
                "diseases",
                term_of(text),
                f"{term_of(text)} is no disease of this knowledge ({graph.version})",
            )
        elif graph.disease_names[number] != name_of(text):
            official = graph.disease_names[number]
            yield "diseases", term_of(text), f"{term_of(text)} is {official!r}, not {name_of(text)!r}"


def _test(graph: CompiledGraph, rule: LaboratoryRule) -> Iterator[Said]:
    if rule.low is None and rule.high is None:
        yield "name", "", "stands for nothing: name a finding for low or high"
    for key, text in (("low", rule.low), ("high", rule.high)):
        if text is not None:
            yield from _term(graph, key, text)
    yield from _loinc("loinc", rule.loinc)

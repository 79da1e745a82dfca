"""One thing that a rule asks, and whether a person's facts meet it.

A term is met by an observed finding at or below it. Where the term, or one above it, was excluded, nothing
below it counts, unless that very term was observed as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from knowledge_graph.errors import UnknownTerm
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.rules.facts import CodedCondition, Facts, LabValue
from knowledge_graph.rules.rule import LabCondition, RedFlag, days_of, name_of, term_of

if TYPE_CHECKING:  # a trace is stored and sent without the graph that it came from
    from knowledge_graph.graph.compiled_graph import CompiledGraph

YEAR_DAYS = 365.25


class State(StrEnum):
    """`UNKNOWN`: the record does not say, or says it in a unit that can't be compared."""

    MET = "met"
    OPEN = "not met"
    EXCLUDED = "excluded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What is asked in plain words, how it stands, and by what; `lacking` counts what is missing."""

    text: str
    state: State
    by: tuple[str, ...] = ()
    lacking: int = 1
    of_person: bool = False  # sex and age: they say nothing of an illness


class Observed:
    """A person's findings, with what each observed one implies and what the excluded ones rule out."""

    def __init__(self, graph: "CompiledGraph", facts: Facts):
        self._graph = graph
        self._implied: dict[int, list[int]] = {}
        self._seen: set[int] = set()
        self._excluded: set[int] = set()
        self._told: dict[str, Requirement] = {}
        for finding in facts.findings:
            number = self._number(finding.term_id)
            if number is None:
                continue
            if finding.state is FindingState.EXCLUDED:
                self._excluded.add(number)
            elif number not in self._seen:
                self._seen.add(number)
                for ancestor in graph.ancestors[number].tolist():
                    self._implied.setdefault(ancestor, []).append(number)

    def require(self, text: str) -> Requirement:
        """How "HP:0001945 Fever" stands."""
        if text not in self._told:
            self._told[text] = self._stands(text)
        return self._told[text]

    def _stands(self, text: str) -> Requirement:
        number = self._number(term_of(text))
        if number is None:
            return Requirement(name_of(text), State.UNKNOWN)
        by = tuple(self._graph.term_names[i] for i in self._implied.get(number, ()))
        name = self._graph.term_names[number]
        if number not in self._seen and self._is_excluded(number):
            return Requirement(name, State.EXCLUDED, by)
        return Requirement(name, State.MET if by else State.OPEN, by)

    def _is_excluded(self, number: int) -> bool:
        return bool(self._excluded) and not self._excluded.isdisjoint(self._graph.ancestors[number].tolist())

    def _number(self, term_id: str) -> int | None:
        try:
            return self._graph.term_number(term_id)
        except UnknownTerm:
            return None


def requirements(rule: RedFlag, observed: Observed, facts: Facts) -> Iterator[Requirement]:
    """Everything a rule asks, in the order of its file; findings first."""
    yield from (observed.require(text) for text in rule.all)
    if rule.any:
        yield _some_of([observed.require(text) for text in rule.any], rule.at_least)
    for condition in rule.labs:
        yield _laboratory(condition, facts.labs)
    if rule.codes:
        yield _coded(rule.codes, facts.conditions)
    yield from _sex(rule, facts)
    yield from _age(rule, facts.age_days)


def _some_of(each: Sequence[Requirement], least: int) -> Requirement:
    met = [r for r in each if r.state is State.MET]
    words = " or ".join(r.text for r in each)
    text = words if least == 1 else f"{least} of: {', '.join(r.text for r in each)}"
    by = tuple(dict.fromkeys(name for r in met for name in r.by))
    possible = sum(r.state is not State.EXCLUDED for r in each)
    state = State.MET if len(met) >= least else State.OPEN if possible >= least else State.EXCLUDED
    return Requirement(text, state, by, lacking=max(least - len(met), 0))


def _laboratory(condition: LabCondition, labs: Sequence[LabValue]) -> Requirement:
    """Met where one of the codes meets it; unknown where values are there but can't be compared."""
    text = f"{condition.test} {_comparison(condition)}"
    states = [(_compare(condition, lab), lab) for lab in labs if lab.loinc in condition.loinc]
    met = tuple(f"{lab.value:g} {lab.unit}".strip() for s, lab in states if s and lab.value is not None)
    if any(s for s, _ in states):
        return Requirement(text, State.MET, met or (f"marked {condition.side}",))
    return Requirement(text, State.UNKNOWN if any(s is None for s, _ in states) else State.OPEN)


def _comparison(condition: LabCondition) -> str:
    unit = condition.units[0] if condition.units else ""
    if condition.at_least is not None:
        return f"at least {condition.at_least:g} {unit}".strip()
    if condition.at_most is not None:
        return f"at most {condition.at_most:g} {unit}".strip()
    if condition.times_upper is not None:
        return f"at least {condition.times_upper:g} times the upper end of its range"
    return f"{'below' if condition.side == 'low' else 'above'} its range"


def _compare(condition: LabCondition, lab: LabValue) -> bool | None:
    """None where it can't be told: no value, another or no unit, no range, a bound on the wrong side."""
    if condition.side:
        return lab.side == condition.side
    if lab.value is None:
        return None
    if condition.times_upper is not None:
        return None if lab.upper is None else _reaches(lab, condition.times_upper * lab.upper)
    if _plain(lab.unit) not in {_plain(unit) for unit in condition.units}:
        return None
    if condition.at_least is not None:
        return _reaches(lab, condition.at_least)
    assert condition.at_most is not None
    if lab.value <= condition.at_most:
        return None if lab.comparator.startswith(">") else True
    return None if lab.comparator.startswith("<") else False


def _reaches(lab: LabValue, bound: float) -> bool | None:
    """ "<5" may be anything below 5, ">5" anything above."""
    assert lab.value is not None
    if lab.value >= bound:
        return None if lab.comparator.startswith("<") else True
    return None if lab.comparator.startswith(">") else False


def _plain(unit: str) -> str:
    """Units as they are compared: without case and blanks, one sign for micro."""
    return "".join(unit.split()).casefold().replace("µ", "u").replace("μ", "u")


def _coded(codes: Sequence[str], conditions: Sequence[CodedCondition]) -> Requirement:
    met = (c for c in conditions if any(is_code(c, code) for code in codes))
    by = tuple(f"{c.system} {c.code}" + (f" ({c.said})" if c.said else "") for c in met)
    text = "coded as " + " or ".join(code.replace(":", " ") for code in codes)
    return Requirement(text, State.MET if by else State.OPEN, by)


def is_code(condition: CodedCondition, code: str) -> bool:
    """Whether a code is met: one of ICD-10 by all below it, SNOMED's concepts by themselves."""
    system, wanted = code.split(":", 1)
    if condition.system != system:
        return False
    if system == "ICD-10":
        return condition.code.upper().replace(".", "").startswith(wanted.replace(".", ""))
    return condition.code == wanted


def _sex(rule: RedFlag, facts: Facts) -> Iterator[Requirement]:
    if rule.sex is None:
        return
    known = facts.sex in ("FEMALE", "MALE")
    state = State.MET if facts.sex is rule.sex else State.OPEN if known else State.UNKNOWN
    by = (facts.sex.lower(),) if state is State.MET else ()
    yield Requirement(rule.sex.lower(), state, by, of_person=True)


def _age(rule: RedFlag, age_days: int | None) -> Iterator[Requirement]:
    if rule.age_from is None and rule.age_below is None:
        return
    parts = [f"{rule.age_from} or older"] if rule.age_from else []
    parts += [f"younger than {rule.age_below}"] if rule.age_below else []
    text = "aged " + " and ".join(parts)
    if age_days is None:
        yield Requirement(text, State.UNKNOWN, of_person=True)
        return
    old = rule.age_from is None or age_days >= days_of(rule.age_from)
    young = rule.age_below is None or age_days < days_of(rule.age_below)
    state, by = (State.MET, (age_words(age_days),)) if old and young else (State.OPEN, ())
    yield Requirement(text, state, by, of_person=True)


def age_words(age_days: int) -> str:
    """An age in the largest unit that says enough."""
    if age_days < 60:
        return "1 day" if age_days == 1 else f"{age_days} days"
    return f"{age_days / 30.44:.0f} months" if age_days < 730 else f"{age_days / YEAR_DAYS:.0f} years"

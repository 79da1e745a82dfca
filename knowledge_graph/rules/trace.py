"""Applies red flags and pairs to a person's facts: what fired and why, and what almost did."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from knowledge_graph.findings.finding import FindingState
from knowledge_graph.rules.facts import Facts
from knowledge_graph.rules.requirement import Observed, Requirement, State, requirements
from knowledge_graph.rules.rule import URGENCIES, RedFlag, RuleBook, Source, Urgency

if TYPE_CHECKING:  # a trace is stored and sent without the graph that it came from
    from knowledge_graph.graph.compiled_graph import CompiledGraph


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that fired, with everything it asked and what met it."""

    rule_id: str
    title: str
    urgency: Urgency
    action: str
    source: str
    url: str
    origin: str
    met: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that lacks one thing, or that something holds back: `missing` says what."""

    rule_id: str
    title: str
    urgency: Urgency
    met: tuple[Requirement, ...]
    missing: Requirement
    held_back: bool  # met, but for what was excluded or speaks for something else


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """Most urgent first, then in the book's order."""

    alerts: tuple[Alert, ...] = ()
    almost: tuple[NearMiss, ...] = ()
    rules_tried: int = 0

    @property
    def of_whom_unknown(self) -> tuple[NearMiss, ...]:
        """What would fire, or not, if sex or age were known."""
        return tuple(n for n in self.almost if n.missing.of_person and n.missing.state is State.UNKNOWN)


NOTHING_FIRED = RuleTrace()


def apply_rules(graph: "CompiledGraph", book: RuleBook, facts: Facts) -> RuleTrace:
    """Try every red flag and pair."""
    all_told, of_now = Observed(graph, facts), Observed(graph, _of_now(facts))
    alerts: list[Alert] = []
    almost: list[NearMiss] = []
    tried = (*book.red_flags, *book.pairs)
    for rule in tried:
        observed = of_now if rule.new else all_told
        asked = tuple(requirements(rule, observed, facts))
        against = [r for r in map(all_told.require, rule.unless) if r.state is State.MET]
        unmet = [r for r in asked if r.state is not State.MET]
        if not unmet and not against:
            alerts.append(_alert(rule, asked, book.sources.get(rule.source)))
        elif (near := _near(rule, asked, unmet, against)) is not None:
            almost.append(near)
    return RuleTrace(
        alerts=tuple(sorted(alerts, key=lambda a: URGENCIES.index(a.urgency))),
        almost=tuple(sorted(almost, key=lambda a: URGENCIES.index(a.urgency))),
        rules_tried=len(tried),
    )


def _of_now(facts: Facts) -> Facts:
    """Without what was observed, but is not new."""
    kept = (f for f in facts.findings if f.state is FindingState.EXCLUDED or f.term_id not in facts.not_new)
    return replace(facts, findings=tuple(kept)) if facts.not_new else facts


def cited(source: Source | None, section: str) -> str:
    """A source with its section, as it is shown."""
    name = source.name if source is not None else ""
    return f"{name}, {section}" if section and name else name


def _alert(rule: RedFlag, asked: tuple[Requirement, ...], source: Source | None) -> Alert:
    return Alert(
        rule_id=rule.id,
        title=rule.title,
        urgency=rule.urgency,
        action=rule.action,
        source=cited(source, rule.section),
        url=source.url if source is not None else "",
        origin=rule.origin,
        met=asked,
    )


def _near(
    rule: RedFlag, asked: tuple[Requirement, ...], unmet: list[Requirement], against: list[Requirement]
) -> NearMiss | None:
    """One thing short of firing, and something met that says why it was near."""
    met = tuple(r for r in asked if r.state is State.MET)
    lacking = [*unmet, *against]
    if len(lacking) != 1:
        return None
    contradicted = lacking[0].state is State.EXCLUDED and bool(lacking[0].by)
    if contradicted or against:
        return NearMiss(rule.id, rule.title, rule.urgency, met, lacking[0], held_back=True)
    missing = lacking[0]
    ruled_out = missing.state is State.EXCLUDED or (missing.of_person and missing.state is State.OPEN)
    nothing_seen = all(r.of_person for r in met)
    if ruled_out or nothing_seen or missing.lacking > 1:
        return None
    return NearMiss(rule.id, rule.title, rule.urgency, met, missing, held_back=False)

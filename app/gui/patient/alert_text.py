"""What an alert says on the screen: made by plain functions."""

import hashlib
from collections.abc import Iterator

from knowledge_graph.rules.requirement import Requirement
from knowledge_graph.rules.rule import HOW_SOON, Urgency
from knowledge_graph.rules.rule_file import BUILT_IN
from knowledge_graph.rules.trace import Alert, NearMiss, RuleTrace

ROLES = {Urgency.EMERGENCY: "bad", Urgency.URGENT: "warn", Urgency.SOON: "accent"}


def when(urgency: Urgency) -> str:
    """How soon, in words: the same in the list and for a screen reader."""
    return HOW_SOON[urgency].upper()


def spoken(alert: Alert) -> str:
    """A row of the list for a screen reader."""
    return f"{when(alert.urgency)}: {alert.title}. {alert.action} Source: {alert.source}"


def trace_lines(trace: RuleTrace) -> Iterator[tuple[str, str]]:
    """(role, words) of everything that fired, with its reasons, and of what almost did."""
    for alert in trace.alerts:
        yield "heading", f"{when(alert.urgency)}: {alert.title}"
        yield "", alert.action
        for requirement in alert.met:
            yield "reason", _because(requirement)
        yield "small", _provenance(alert)
    if trace.almost:
        yield "heading", "Almost"
        for near in trace.almost:
            yield "", near.title
            yield "reason", _lacking(near)


def evidence_mark(patient_id: str, alert: Alert) -> str:
    """A mark of what an alert rests on: other evidence gives another. It tells nothing of the patient."""
    told = "\n".join((patient_id, alert.rule_id, *(f"{r.text}={','.join(r.by)}" for r in alert.met)))
    return hashlib.sha256(told.encode()).hexdigest()


def _because(requirement: Requirement) -> str:
    by = ", ".join(requirement.by)
    return requirement.text if by in ("", requirement.text) else f"Asked: {requirement.text}. Found: {by}."


def _lacking(near: NearMiss) -> str:
    if near.held_back:
        return f"held back: {near.missing.text} is {near.missing.state}"
    return f"missing: {near.missing.text} ({near.missing.state})"


def _provenance(alert: Alert) -> str:
    own = "" if alert.origin == BUILT_IN else "the hospital's own rule, "
    address = f"\n{alert.url}" if alert.url else ""
    return f"Source: {alert.source}{address}\nRule: {own}{alert.rule_id}"

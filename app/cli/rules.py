"""Checks a rules file with line numbers, lists the rules in force, and traces them for one patient."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from app.cli.case import (
    add_case_arguments,
    add_rules_argument,
    check_case_arguments,
    open_case,
    own_rules,
)
from app.cli.console import Console
from app.cli.knowledge_choice import add_knowledge_arguments, chosen_knowledge
from app.config.settings import cache_dir
from app.errors import RulesRefused
from knowledge_graph.rules.requirement import Requirement
from knowledge_graph.rules.rule import HOW_SOON, Constraint, LaboratoryRule, RedFlag, Rule, RuleBook
from knowledge_graph.rules.trace import Alert, NearMiss, RuleTrace

if TYPE_CHECKING:
    from knowledge_graph.rules.rule_file import RuleFile

KINDS = {  # as they are listed, and how a file heads each
    "red_flags": "red_flag",
    "pairs": "pair",
    "constraints": "constraint",
    "laboratory": "laboratory",
}
SWITCHED_OFF = "switch_off"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the three deeds."""
    deeds = parser.add_subparsers(dest="deed", required=True)
    check = deeds.add_parser("check", help="check a rules file; every problem with its line")
    check.add_argument("file", metavar="FILE", type=Path, help="a rules file (TOML)")
    add_knowledge_arguments(check)
    listing = deeds.add_parser("list", help="list the rules in force with their sources")
    listing.add_argument("--kind", choices=KINDS, help="only this kind")
    add_rules_argument(listing)
    add_knowledge_arguments(listing)
    trace = deeds.add_parser("trace", help="which rules fire for a patient, why, and which almost do")
    add_case_arguments(trace)
    for deed in (check, listing, trace):
        deed.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Exit code 1 where a checked file has a problem."""
    deed = {"check": _check, "list": _list, "trace": _trace}[arguments.deed]
    return deed(arguments, console)


def _check(arguments: argparse.Namespace, console: Console) -> int:
    from app.exchange.foreign_kind import RULES
    from app.workflows.load_knowledge import load_graph
    from app.workflows.load_rules import check_rules
    from app.workflows.try_file import try_file
    from knowledge_graph.rules.rule_file import shipped_rules

    try_file(RULES, arguments.file)
    graph = load_graph(cache_dir(), chosen_knowledge(arguments))
    file, problems = check_rules(graph, arguments.file, shipped_rules())
    counted = _counted(file)
    lines = [f"{arguments.file}:{p.line}: {p.message}" for p in problems]
    lines.append(f"{counted}; {len(problems) or 'no'} problem{'s' * (len(problems) != 1)}")
    console.result(
        {"file": str(arguments.file), "rules": len(file.rules), "problems": [asdict(p) for p in problems]},
        "\n".join(lines),
    )
    if problems:
        raise RulesRefused(f"{arguments.file} has mistakes; correct the lines above and check again")
    return 0


def _counted(file: "RuleFile") -> str:
    kinds = dict.fromkeys(placed.block for placed in file.rules)
    return ", ".join(f"{len(file.of(kind))} {kind}" for kind in kinds) or "no rule"


def _list(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.load_knowledge import load_graph
    from app.workflows.load_rules import load_rules, rule_places

    own = own_rules(arguments)
    book = load_rules(load_graph(cache_dir(), chosen_knowledge(arguments)), own)
    places = rule_places(own)
    kinds = (arguments.kind,) if arguments.kind else tuple(KINDS)
    value: dict[str, Any] = {kind: _placed(book, kind, places) for kind in (*kinds, "switched_off")}
    value["sources"] = msgspec.to_builtins(book.sources)
    lines = []
    for kind in kinds:
        rules = getattr(book, kind)
        lines += ["", f"{kind.replace('_', ' ')}: {len(rules)}"]
        lines += [_line(book, rule, places[KINDS[kind], _key(rule)]) for rule in rules]
    lines += [
        f"switched off: {off.id} ({off.reason}; {places[SWITCHED_OFF, off.id]})" for off in book.switched_off
    ]
    console.result(value, "\n".join(lines).lstrip("\n"))
    return 0


def _placed(book: RuleBook, kind: str, places: dict[tuple[str, str], str]) -> list[dict[str, Any]]:
    """The rules of a kind, each with the place it stands `at`."""
    block = KINDS.get(kind, SWITCHED_OFF)
    return [{**msgspec.to_builtins(r), "at": places[block, _key(r)]} for r in getattr(book, kind)]


def _key(rule: Rule) -> str:
    return rule.name if isinstance(rule, LaboratoryRule) else rule.id


def _line(book: RuleBook, rule: RedFlag | Constraint | LaboratoryRule, at: str) -> str:
    source = book.sources[rule.source].name
    own = "" if rule.origin == "built in" else f"  [{at}]"
    if isinstance(rule, RedFlag):
        return f"  {rule.id:34} {rule.urgency:10} {rule.title}. {source}{own}"
    if isinstance(rule, Constraint):
        return f"  {rule.id:34} {rule.effect:10} {rule.title}. {source}{own}"
    low, high = rule.low or "no finding", rule.high or "no finding"
    return f"  {rule.name:34} low: {low}; high: {high}. LOINC {', '.join(rule.loinc)}{own}"


def _trace(arguments: argparse.Namespace, console: Console) -> int:
    check_case_arguments(arguments)
    with open_case(arguments, console, with_text=False) as case:
        trace = case.service.trace(case.asked)
        case.record_traced()
    console.result(asdict(trace), trace_text(trace))
    return 0


def trace_text(trace: RuleTrace) -> str:
    """What fired and why, and what almost did, for a terminal."""
    lines = [line for alert in trace.alerts for line in _alert(alert)]
    if not trace.alerts:
        lines.append(f"none of {trace.rules_tried} rules fired")
    if trace.almost:
        lines += ["", "almost:"]
        lines += [_near(near) for near in trace.almost]
    return "\n".join(lines)


def _alert(alert: Alert) -> list[str]:
    return [
        f"{alert.urgency.upper()} ({HOW_SOON[alert.urgency]}): {alert.title}  [{alert.rule_id}]",
        f"    do: {alert.action}",
        f"    because: {'; '.join(_met(r) for r in alert.met)}",
        f"    source: {alert.source}" + (f"  ({alert.origin})" if alert.origin != "built in" else ""),
    ]


def _near(near: NearMiss) -> str:
    missing = near.missing
    why = "held back by" if near.held_back else "missing"
    return f"    {near.title}  [{near.rule_id}]: {why} {_met(missing)} ({missing.state})"


def _met(requirement: Requirement) -> str:
    by = ", ".join(name for name in requirement.by if name != requirement.text)
    return f"{requirement.text} ({by})" if by else requirement.text

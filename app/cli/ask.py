"""Says which finding to ask about or test next for a patient, and what each answer would tell."""

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.case import add_case_arguments, check_case_arguments, open_case, weigh_case
from app.cli.console import Console
from app.clinical.percent import stated
from app.config.settings import cache_dir
from app.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.ask_next import NextQuestions
    from knowledge_graph.questions.next_question import Outcome


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the patient, what is in question, and the costs."""
    add_case_arguments(parser)
    parser.add_argument("--rule-in", metavar="DISEASE", help="ask only what rules this disease in or out")
    parser.add_argument("--skip", metavar="HP:..", default="", help="findings that nobody can tell")
    parser.add_argument("--top", type=int, default=5, help="how many questions")
    parser.add_argument(
        "--costs",
        type=Path,
        metavar="FILE",
        help="your own table of costs (TOML); without a patient it is only checked",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the questions, best first."""
    if arguments.top < 1:
        raise UsageError("--top must be at least 1")
    if arguments.costs is not None:
        _try(arguments.costs)
    named = (arguments.patient, arguments.phenopacket, arguments.text, arguments.findings)
    if arguments.costs is not None and not any(named):
        return _check(arguments.costs, console)
    check_case_arguments(arguments)
    from app.workflows.ask_next import Interviewer

    with open_case(arguments, console) as case:
        interviewer = Interviewer(case.service, arguments.costs or _hospital_costs())
        weighed = weigh_case(case, console)
        skip = _skipped(arguments.skip)
        found = interviewer.ask(weighed, rule=arguments.rule_in, skip=skip, top=arguments.top)
        case.record_shown(case.service.differential(weighed))
        known = {"knowledge_version": case.service.graph.title}
    console.result({**_as_json(found), **known}, _as_text(found))
    return 0


def _try(costs: Path) -> None:
    from app.exchange.foreign_kind import TOML
    from app.workflows.try_file import try_file

    try_file(TOML, costs)


def _check(costs: Path, console: Console) -> int:
    """Read a table and say what it makes of the knowledge's findings."""
    from app.workflows.ask_next import costs_of
    from knowledge_graph.graph.cache import load_compiled

    graph = load_compiled(cache_dir())
    table = costs_of(graph, costs)
    priced = table.of_terms(graph)
    used = sorted(set(graph.signatures.term.tolist()))
    counted = Counter(priced.kind(term) for term in used)
    rows = {kind: {"cost": price, "findings": counted[kind]} for kind, price in table.price.items()}
    lines = [f"{kind:11} costs {row['cost']:g}: {row['findings']} findings" for kind, row in rows.items()]
    console.result({"classes": rows, "lines": len(table.terms)}, "\n".join(["The table is right.", *lines]))
    return 0


def _hospital_costs() -> Path | None:
    from app.config.policy import load_policy

    return load_policy().question_costs


def _skipped(text: str) -> tuple[str, ...]:
    from app.cli.case import parse_findings

    return tuple(finding.term_id for finding in parse_findings(text)) if text.strip() else ()


def _as_json(found: "NextQuestions") -> dict[str, Any]:
    value = asdict(found)
    return {"questions": value.pop("questions"), **value}


def _as_text(found: "NextQuestions") -> str:
    lines = []
    if found.suspect is not None:
        suspect = found.suspect
        lines.append(f"Is it {suspect.name} ({suspect.disease_id})? Now {stated(suspect.probability)}.")
    for number, question in enumerate(found.questions, start=1):
        lines.append(f"{number:3}  {question.name} ({question.term_id})")
        told = f"settles {question.share:.1%} of what is open ({question.gain_bits:.3f} bits)"
        lines.append(f"       {question.cost_class}, cost {question.cost:g}; {told}")
        lines += [_outcome("yes", question.if_yes), _outcome("no", question.if_no)]
    if not found.questions:
        lines.append("No question would tell anything more.")
    lines.append(
        "\nA gain is an average over both answers; costs are estimates. Decision support, not a diagnosis."
    )
    return "\n".join(lines)


def _outcome(answer: str, outcome: "Outcome") -> str:
    return f"       {answer:3} ({outcome.chance:4.0%}): then {outcome.name}, {stated(outcome.probability)}"

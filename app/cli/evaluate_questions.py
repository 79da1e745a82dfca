"""`anamnesis evaluate --questions N`: how far questions lead on cases with hidden findings, as a table."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.config.settings import cache_dir
from app.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.report_questions import QuestionTable

CASES = 250
SAID = {
    "unknown": "What a case does not record is answered as unknown: most questions are.",
    "drawn": "What a case does not record is drawn from what is known of its disease, so it is synthetic.",
}


def configure_questions(parser: argparse.ArgumentParser) -> None:
    """Add how many questions, on how many cases."""
    parser.add_argument(
        "--questions",
        type=int,
        metavar="N",
        help="hide all findings of a case but two, ask up to N questions, count until the true disease is "
        "first and in the top ten; its own publication is left out",
    )
    parser.add_argument(
        "--unrecorded",
        choices=("unknown", "drawn"),
        default="unknown",
        help="with --questions, what the case does not record: unknown (default), or drawn from what the "
        "knowledge, its own publication included, says of its disease",
    )
    parser.add_argument("--at-most", type=int, metavar="M", default=CASES, help="cases drawn for --questions")


def run_questions(arguments: argparse.Namespace, console: Console) -> int:
    """Print the table."""
    if arguments.questions < 1 or arguments.at_most < 1:
        raise UsageError("--questions and --at-most must be at least 1")
    from app.workflows.ask_next import Interviewer
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.report_questions import measure_questions
    from app.workflows.simulate_questions import Simulation

    service = DiagnosisService.load(cache_dir(), with_text=False)
    table = measure_questions(
        service.graph,
        Simulation(service, Interviewer(service)),
        read_cases(arguments.cases),
        questions=arguments.questions,
        count=arguments.at_most,
        seed=arguments.seed,
        unrecorded=arguments.unrecorded,
        progress=console.progress,
    )
    console.result({**asdict(table), "knowledge_version": service.graph.title}, as_table(table))
    return 0


def as_table(table: "QuestionTable") -> str:
    """Shares in percent; the means of questions, answers and cost a case."""
    half = table.questions // 2
    lines = [
        f"{table.n} cases, two findings known, own publication left out; with all that they record "
        f"{table.known_first:.1%} are first, {table.known_top10:.1%} in the top ten",
        f"{'':26}{'first: after 0':>15}{half:>7}{table.questions:>7}{'mean':>6}"
        f"{'top ten: after 0':>18}{half:>7}{table.questions:>7}{'mean':>6}{'yes':>6}{'no':>6}{'cost':>7}",
    ]
    for row in table.rows:
        parts = [f"{row.strategy:26}"]
        for reached, width in ((row.first, 15), (row.top10, 18)):
            parts.append(f"{reached.at_start:>{width}.1%}{reached.halfway:>7.1%}{reached.at_end:>7.1%}")
            parts.append(f"{reached.mean_questions:>6.1f}")
        parts.append(f"{row.yes:>6.2f}{row.no:>6.2f}{row.cost:>7.1f}")
        lines.append("".join(parts))
    lines.append(SAID[table.unrecorded])
    return "\n".join(lines)

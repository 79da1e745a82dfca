"""Ranks diseases for a patient of a vault, a phenopacket, a text or a list of findings."""

import argparse
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from app.cli.case import add_case_arguments, check_case_arguments, open_case, weigh_case
from app.cli.console import Console
from app.cli.differential_text import line_text
from app.clinical.diagnosis import Differential, DifferentialLine, elsewhere_text, possible_text
from app.clinical.text_reason import PartKind, TextReason
from app.errors import NothingFound, UsageError
from knowledge_graph.rules.rule import HOW_SOON
from knowledge_graph.rules.trace import Alert, NearMiss

if TYPE_CHECKING:
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.explain_text import TextExplanation
    from app.workflows.weighed import Presentation, Weighed

SHOWN_REASONS = 3
SHOWN_OPEN = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """A differential, the texts it was read from, and what their parts say where that was asked."""

    differential: Differential
    texts: tuple[str, ...] = ()
    explanation: "TextExplanation | None" = None

    def reasons(self, line: DifferentialLine) -> list[TextReason]:
        """For and against one line, the weightiest first."""
        if self.explanation is None:
            return []
        found = self.explanation.reasons((line.disease_id, *line.same_as))
        return sorted(found, key=lambda reason: -abs(reason.weight))

    def quote(self, reason: TextReason) -> str:
        """The words of a reason's first span, on one line."""
        start, end = reason.part.spans[0]
        return " ".join(self.texts[reason.part.note][start:end].split())


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what to diagnose, and how much to show."""
    add_case_arguments(parser)
    parser.add_argument("--top", type=int, default=10, help="how many diseases")
    parser.add_argument(
        "--why", action="store_true", help="say what each sentence and finding of the text counts, too"
    )
    parser.add_argument("--compare", metavar="ID,ID", help="show these diseases side by side instead")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the differential with its evidence."""
    check_case_arguments(arguments)
    if arguments.top < 1:
        raise UsageError("--top must be at least 1")
    if arguments.why and arguments.patient is None and arguments.text is None:
        raise UsageError("--why explains what was read in a text; it goes with --text or --patient")
    if arguments.compare is not None:
        return _compare(arguments, console)
    with open_case(arguments, console) as case:
        weighed = weigh_case(case, console)
        shown = case.service.differential(weighed, top=arguments.top)
        _must_tell_something(weighed, shown)
        case.record_shown(shown)
        answer = _explained(arguments, case.service, shown, case.asked)
    console.result(as_json(answer.differential, answer), as_text(answer.differential, answer))
    return 0


def _must_tell_something(weighed: "Weighed", shown: Differential) -> None:
    """Refuse a list in the order of what is common. Raises NothingFound."""
    asked = weighed.asked
    if asked.findings or asked.conditions or asked.labs or shown.rules.alerts:
        return
    if weighed.text is None or shown.abstained:
        raise NothingFound(
            "no finding was recognised, so no disease can be put forward; describe what the patient has "
            "(`anamnesis findings --words` finds the term), or name HPO ids with --findings"
        )


def _compare(arguments: argparse.Namespace, console: Console) -> int:
    from app.cli import compare
    from app.workflows.compare_diseases import compare_diseases

    ids = [part.strip() for part in arguments.compare.split(",") if part.strip()]
    with open_case(arguments, console) as case:
        weighed = weigh_case(case, console)
        found = compare_diseases(case.service, weighed, ids)
        case.record_shown(case.service.differential(weighed, top=arguments.top))
        known = {"knowledge_version": case.service.graph.title}
    console.result({**compare.as_json(found), **known}, compare.as_text(found))
    return 0


def as_json(differential: Differential, answer: Answer | None = None) -> dict[str, Any]:
    """The contract's shape; with an explanation each line says `why`."""
    value = asdict(differential)
    value["differential"] = value.pop("lines")
    if answer is not None and answer.explanation is not None:
        for shown, line in zip(value["differential"], differential.lines, strict=True):
            shown["why"] = [
                {**asdict(reason.part), "weight": reason.weight, "text": answer.quote(reason)}
                for reason in answer.reasons(line)
            ]
    return value


def as_text(differential: Differential, answer: Answer | None = None) -> str:
    """A table with the strongest reasons."""
    lines = [alert_line(alert) for alert in differential.rules.alerts]
    lines += [_open_alert(near) for near in differential.rules.of_whom_unknown[:SHOWN_OPEN]]
    if lines:
        lines.append("")
    if differential.abstained:
        lines.append("The evidence is too weak to put a disease forward; the list is for orientation only.")
    for line in differential.lines:
        more = _why(answer, line) if answer else []
        lines += line_text(line, log_normaliser=differential.log_normaliser, more=more)
    if differential.possible:
        lines.append(f"\n{possible_text(differential.possible)}")
    if differential.warning:
        lines.append(f"\n{differential.warning}.")
    if differential.elsewhere:
        found = differential.elsewhere
        lines.append(
            f"\n{elsewhere_text(found)} If that is where the patient is seen: --setting {found.setting}."
        )
    setting = differential.setting.replace("_", " ")
    lines.append(
        f"\nWeighed among the diseases that the program knows, for a patient seen in: {setting} "
        "(--setting names another)."
    )
    source = f"knowledge HPO {differential.knowledge_version}, model {differential.model_version[:12]}"
    lines.append(
        f"{source}, {differential.provider or 'no text model used'}. Decision support, not a diagnosis."
    )
    return "\n".join(lines)


def alert_line(alert: Alert) -> str:
    """A rule that fired, on one line; `anamnesis rules trace` says why."""
    return (
        f"{alert.urgency.upper()} ({HOW_SOON[alert.urgency]}): {alert.title}. {alert.action} [{alert.source}]"
    )


def _open_alert(near: NearMiss) -> str:
    """What only the patient's age or sex decides."""
    whom = f"if the patient is {near.missing.text}, which is not known (--age, --sex)"
    return f"{near.urgency.upper()} {whom}: {near.title}."


def _why(answer: Answer, line: DifferentialLine) -> list[str]:
    """The sentences that say most, for a terminal."""
    told = [r for r in answer.reasons(line) if r.part.kind is PartKind.SENTENCE][:SHOWN_REASONS]
    return [f"        {r.weight:+6.2f}  text: {answer.quote(r)[:90]}" for r in told]


def _explained(
    arguments: argparse.Namespace, service: "DiagnosisService", shown: Differential, asked: "Presentation"
) -> Answer:
    """With what the texts' parts say, where `--why` asks."""
    if not arguments.why:
        return Answer(shown)
    from app.workflows.explain_text import explain_texts

    ages = [asked.age_days] * len(asked.texts)
    return Answer(shown, asked.texts, explain_texts(service, asked.texts, ages=ages))

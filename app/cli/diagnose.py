"""Ranks diseases for a patient of a vault, a phenopacket, a text or a list of findings."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import Console
from app.cli.findings import read_text
from app.cli.sign_in import add_vault_arguments, read_passphrase
from app.clinical.age import iso_duration_days
from app.clinical.diagnosis import Differential, DifferentialLine
from app.clinical.text_reason import PartKind, TextReason
from app.config.settings import cache_dir
from app.errors import UsageError, VaultLocked
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.term import TermId

if TYPE_CHECKING:
    from app.store.vault import Vault
    from app.workflows.diagnose import DiagnosisService, Presentation
    from app.workflows.explain_text import TextExplanation

OLDEST_DAYS = 130 * 366
SHOWN_REASONS = 3
_HPO_ID = re.compile(r"(?P<minus>[-\u2010-\u2015\u2212]?)HP[:_](?P<number>\d{7})", re.IGNORECASE)


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
    what = parser.add_argument_group("what to diagnose (one of)")
    what.add_argument("--patient", metavar="ID", help="a patient of the vault: id, name or record number")
    what.add_argument("--phenopacket", metavar="F", type=Path, help="a GA4GH phenopacket v2 (JSON)")
    what.add_argument("--text", metavar="F", help="a note in UTF-8; - for standard input")
    what.add_argument("--findings", metavar="HP:..,-HP:..", help="HPO ids; a minus sign means excluded")
    parser.add_argument("--age", metavar="P33Y", help="age as an ISO 8601 duration")
    parser.add_argument("--sex", choices=[s.value for s in Sex], default=Sex.UNKNOWN.value)
    parser.add_argument("--top", type=int, default=10, help="how many diseases")
    parser.add_argument(
        "--why", action="store_true", help="say what each sentence and finding of the text counts, too"
    )
    parser.add_argument("--provider", choices=("auto", "cpu", "cuda"), default="auto")
    add_vault_arguments(parser, required=False)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the differential with its evidence."""
    asked = [arguments.patient, arguments.phenopacket, arguments.text, arguments.findings]
    if sum(a is not None for a in asked) != 1:
        raise UsageError("name one of --patient, --phenopacket, --text and --findings")
    if arguments.top < 1:
        raise UsageError("--top must be at least 1")
    if arguments.why and arguments.patient is None and arguments.text is None:
        raise UsageError("--why explains what was read in a text; it goes with --text or --patient")
    if arguments.patient is not None:
        if arguments.age or arguments.sex != Sex.UNKNOWN.value:
            raise UsageError("--age and --sex are the vault's for --patient; leave them out")
        answer = _of_patient(arguments, console)
    else:
        answer = _of_input(arguments, console)
    console.result(as_json(answer.differential, answer), as_text(answer.differential, answer))
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
    lines = []
    if differential.abstained:
        lines.append("The evidence is too weak to put a disease forward; the list is for orientation only.")
    for line in differential.lines:
        lines.append(
            f"{line.rank:3}  {line.probability:6.1%}  {line.disease_id:14} {line.name}"
            + "".join(f" = {other}" for other in line.same_as)
            + f"  (text {line.text_score:+.2f}, graph {line.graph_score:+.2f})"
        )
        for e in line.evidence[:3]:
            lines.append(
                f"        {e.log_likelihood_ratio:+6.2f}  {e.name} ({e.state}) {e.frequency}".rstrip()
            )
        lines += _why(answer, line) if answer else ()
    source = f"knowledge HPO {differential.knowledge_version}, model {differential.model_version[:12]}"
    lines.append(
        f"\n{source}, {differential.provider or 'no text model used'}. Decision support, not a diagnosis."
    )
    return "\n".join(lines)


def _why(answer: Answer, line: DifferentialLine) -> list[str]:
    """The sentences that say most, for a terminal."""
    told = [r for r in answer.reasons(line) if r.part.kind is PartKind.SENTENCE][:SHOWN_REASONS]
    return [f"        {r.weight:+6.2f}  text: {answer.quote(r)[:90]}" for r in told]


def parse_findings(text: str) -> tuple[Finding, ...]:
    """`HP:0001250,-HP:0001945` as findings; each once. Raises UsageError."""
    states: dict[TermId, FindingState] = {}
    for part in filter(None, re.split(r"[,;\s]+", text)):
        match = _HPO_ID.fullmatch(part)
        if match is None:
            raise UsageError(f"{part[:20]!r} is no HPO id such as HP:0001250, or -HP:0001250 for excluded")
        term = TermId(f"HP:{match['number']}")
        state = FindingState.EXCLUDED if match["minus"] else FindingState.OBSERVED
        if states.setdefault(term, state) is not state:
            raise UsageError(f"{term} is named as observed and as excluded; name it once")
    if not states:
        raise UsageError("--findings holds no HPO id")
    return tuple(Finding(term, state) for term, state in states.items())


def _age(text: str | None) -> int | None:
    days = iso_duration_days(text or "")
    if text and days is None:
        raise UsageError(f"{text!r} is not an ISO 8601 duration such as P33Y or P6M")
    if days is not None and days > OLDEST_DAYS:
        raise UsageError(f"{text!r} is older than anybody; check the age")
    return days


def _of_patient(arguments: argparse.Namespace, console: Console) -> Answer:
    from app.clinical.annotation import current_annotations
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.find_patient import find_patient

    if arguments.vault is None:
        raise UsageError("--patient needs --vault")
    with _open_vault(arguments, console) as vault:
        patient_id = find_patient(vault, arguments.patient)
        chart = vault.chart(patient_id)
        marks = current_annotations(vault.patient_annotation_events(patient_id))
        service = DiagnosisService.load(cache_dir(), vault, provider=arguments.provider)
        shown = service.diagnose_chart(chart, marks, top=arguments.top, today=date.today())
        vault.record_shown(patient_id, shown)
        return _explained(arguments, service, shown, tuple(note.text for note in chart.notes))


def _open_vault(arguments: argparse.Namespace, console: Console) -> "Vault":
    """For writing, so that what is shown is audited; read-only where another window has the place."""
    from app.store.vault import Vault

    passphrase = read_passphrase(arguments)
    try:
        return Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase)
    except VaultLocked:
        vault = Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase, read_only=True)
        console.progress("the vault is open in another window: this view is not written to its audit log")
        return vault


def _explained(
    arguments: argparse.Namespace, service: "DiagnosisService", shown: Differential, texts: tuple[str, ...]
) -> Answer:
    """With what the texts' parts say, where `--why` asks."""
    if not arguments.why:
        return Answer(shown)
    from app.workflows.explain_text import explain_texts

    return Answer(shown, texts, explain_texts(service, texts))


def _of_input(arguments: argparse.Namespace, console: Console) -> Answer:
    from app.workflows.diagnose import DiagnosisService, Presentation

    sex, age = Sex(arguments.sex), _age(arguments.age)
    if arguments.text is not None:
        text = read_text(arguments.text)
        reader = _text_service(arguments, console)
        shown = reader.diagnose_text(text, sex=sex, age=age, top=arguments.top)
        return _explained(arguments, reader, shown, (text,))
    if arguments.vault is not None:
        raise UsageError("--vault goes with --patient, or with --text to read it by the vault's model")
    findings = () if arguments.findings is None else parse_findings(arguments.findings)
    service = DiagnosisService.load(cache_dir(), with_text=False)
    if findings:
        _must_be_rankable(service, findings)
        return Answer(service.diagnose(Presentation(findings, (), sex, age), top=arguments.top))
    asked = _of_packet(arguments, console, service, sex=sex, age=age)
    return Answer(service.diagnose(asked, top=arguments.top))


def _text_service(arguments: argparse.Namespace, console: Console) -> "DiagnosisService":
    """With the vault's current model where one is named, else the starting model."""
    from app.workflows.diagnose import DiagnosisService

    if arguments.vault is None:
        return DiagnosisService.load(cache_dir(), provider=arguments.provider)
    with _open_vault(arguments, console) as vault:
        return DiagnosisService.load(cache_dir(), vault, provider=arguments.provider)


def _of_packet(
    arguments: argparse.Namespace, console: Console, service: "DiagnosisService", *, sex: Sex, age: int | None
) -> "Presentation":
    """What the packet says; --sex and --age come first."""
    from app.workflows.present_phenopacket import present_phenopacket

    packet = present_phenopacket(arguments.phenopacket, service.graph, today=date.today())
    for term_id in packet.left_out:
        console.progress(f"left out {term_id}: no phenotypic abnormality of HPO {service.graph.version}")
    asked = packet.presentation
    return replace(
        asked,
        sex=asked.sex if sex is Sex.UNKNOWN else sex,
        age_days=asked.age_days if age is None else age,
    )


def _must_be_rankable(service: "DiagnosisService", findings: Sequence[Finding]) -> None:
    from app.workflows.present_phenopacket import is_rankable

    for finding in findings:
        service.graph.resolve(finding.term_id)  # an unknown id is refused as such
        if not is_rankable(service.graph, finding):
            raise UsageError(f"{finding.term_id} is no phenotypic abnormality; name terms below HP:0000118")

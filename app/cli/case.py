"""The patient that a verb is about: of a vault, a phenopacket, a text or a list of findings."""

import argparse
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.age_argument import add_age_argument, read_age
from app.cli.console import Console
from app.cli.did_you_mean import did_you_mean
from app.cli.findings import read_text
from app.cli.knowledge_choice import add_knowledge_arguments, chosen_knowledge
from app.cli.provider_argument import add_provider_argument
from app.cli.sign_in import add_break_glass_argument, add_vault_arguments, enter_charts, open_to_read
from app.clinical.diagnosis import Differential
from app.clinical.ids import PatientId
from app.config.policy import load_policy
from app.config.settings import cache_dir
from app.errors import UsageError
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.terms.term import TermId

if TYPE_CHECKING:
    from app.store.vault import Vault
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.weighed import Presentation, Weighed

_HPO_ID = re.compile(r"(?P<minus>[-\u2010-\u2015\u2212]?)HP[:_](?P<number>\d{7})", re.IGNORECASE)
_LOCAL_ID = re.compile(r"(?P<minus>-?)(?P<term>(?!HP[:_])[A-Z]\w*:\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OpenCase:
    """What is asked about, by which knowledge and model; a patient's vault is open meanwhile."""

    service: "DiagnosisService"
    asked: "Presentation"
    vault: "Vault | None" = None
    patient_id: PatientId | None = None

    def record_shown(self, shown: Differential) -> None:
        """Write into the audit log that a patient's differential was looked at."""
        if self.vault is not None and self.patient_id is not None:
            self.vault.record_shown(self.patient_id, shown)

    def record_traced(self) -> None:
        """Write into the audit log that the rules were tried on a patient."""
        if self.vault is not None and self.patient_id is not None and not self.vault.read_only:
            self.vault.audit("rules-traced", self.patient_id)


def add_case_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is about, the same for every verb."""
    what = parser.add_argument_group("the patient (one of)")
    what.add_argument("--patient", metavar="ID", help="a patient of the vault: id, name or record number")
    what.add_argument("--phenopacket", metavar="F", type=Path, help="a GA4GH phenopacket v2 (JSON)")
    what.add_argument("--text", metavar="F", help="a note in UTF-8; - for standard input")
    what.add_argument(
        "--findings", metavar="HP:..,-HP:..", help="HPO ids, or a pack's own; a minus sign means excluded"
    )
    add_age_argument(parser)
    parser.add_argument("--sex", type=str.upper, choices=[s.value for s in Sex], default=Sex.UNKNOWN.value)
    add_provider_argument(parser)
    add_rules_argument(parser)
    add_break_glass_argument(parser)
    add_vault_arguments(parser, required=False)
    add_knowledge_arguments(parser)


def add_rules_argument(parser: argparse.ArgumentParser) -> None:
    """Add a rules file that joins the program's own and the policy's."""
    parser.add_argument("--rules", metavar="FILE", type=Path, help="a rules file of your own (TOML)")


def own_rules(arguments: argparse.Namespace) -> tuple[Path, ...]:
    """The policy's rules file and the option's, in that order."""
    from app.exchange.foreign_kind import RULES
    from app.workflows.load_rules import site_rules
    from app.workflows.try_file import try_file

    try_file(RULES, arguments.rules)
    return (*site_rules(load_policy()), *([arguments.rules] if arguments.rules else []))


def check_case_arguments(arguments: argparse.Namespace) -> None:
    """Raises UsageError where they name no patient, or more than one."""
    asked = [arguments.patient, arguments.phenopacket, arguments.text, arguments.findings]
    if sum(a is not None for a in asked) != 1:
        raise UsageError("name one of --patient, --phenopacket, --text and --findings")
    if arguments.patient is not None and (arguments.age or arguments.sex != Sex.UNKNOWN.value):
        raise UsageError("--age and --sex are the vault's for --patient; leave them out")


@contextmanager
def open_case(
    arguments: argparse.Namespace, console: Console, *, with_text: bool = True
) -> Iterator[OpenCase]:
    """Read what the arguments name, with a text model or none. Raises UsageError, and what reading raises."""
    if arguments.patient is None:
        yield _of_input(arguments, console, with_text=with_text)
        return
    from app.clinical.annotation import current_annotations
    from app.workflows.find_patient import find_patient

    if arguments.vault is None:
        raise UsageError("--patient needs --vault")
    with open_to_read(arguments, console) as vault:
        enter_charts(vault, arguments)
        patient_id = find_patient(vault, arguments.patient)
        chart = vault.chart(patient_id)
        marks = current_annotations(vault.annotation_events(patient_id))
        service = _service(arguments, vault, with_text=with_text)
        yield OpenCase(service, service.presentation(chart, marks, today=date.today()), vault, patient_id)


def weigh_case(case: OpenCase, console: Console) -> "Weighed":
    """What is known when all notes are read; says meanwhile how far the reading is."""
    from app.workflows.read_notes import weigh_while_reading

    told = 0
    for weighing in weigh_while_reading(case.service, case.asked):
        tenths = int(10 * weighing.share)
        if tenths > told and weighing.share < 1:
            told = tenths
            console.progress(f"reading the notes, {10 * tenths} %", share=tenths / 10)
    assert weighing.weighed is not None
    return weighing.weighed


def parse_findings(text: str) -> tuple[Finding, ...]:
    """`HP:0001250,-HP:0001945` as findings; each once. Raises UsageError."""
    states: dict[TermId, FindingState] = {}
    for part in filter(None, re.split(r"[,;\s]+", text)):
        match = _HPO_ID.fullmatch(part) or _LOCAL_ID.fullmatch(part)
        if match is None:
            raise UsageError(_no_id(part, text))
        said = match.groupdict()
        term = TermId(said.get("term") or f"HP:{said['number']}")
        state = FindingState.EXCLUDED if match["minus"] else FindingState.OBSERVED
        if states.setdefault(term, state) is not state:
            raise UsageError(f"{term} is named as observed and as excluded; name it once")
    if not states:
        raise UsageError("--findings holds no HPO id")
    return tuple(Finding(term, state) for term, state in states.items())


def _no_id(part: str, text: str) -> str:
    """What is wrong with a part, and which terms the words around it may mean."""
    phrase = next((p for p in re.split(r"[,;\n]", text) if part in p.split()), part).strip(" -")
    about = f"{part[:20]!r} is no HPO id such as HP:0001250, or -HP:0001250 for excluded"
    return "; ".join(filter(None, (about, did_you_mean(phrase))))


def _service(
    arguments: argparse.Namespace, vault: "Vault | None" = None, *, with_text: bool
) -> "DiagnosisService":
    from app.workflows.diagnose import DiagnosisService

    return DiagnosisService.load(
        cache_dir(),
        vault,
        provider=arguments.provider,
        with_text=with_text,
        own_rules=own_rules(arguments),
        choice=chosen_knowledge(arguments),
    )


def _of_input(arguments: argparse.Namespace, console: Console, *, with_text: bool) -> OpenCase:
    from app.workflows.weighed import Presentation

    sex, age = Sex(arguments.sex), read_age(arguments.age)
    if arguments.text is not None:
        text = read_text(arguments.text)
        if not text.strip():
            raise UsageError("the text is empty, so nothing can be said of it; name a file with a note in it")
        reader = _text_service(arguments, console, with_text=with_text)
        return OpenCase(reader, reader.presentation_of_text(text, sex=sex, age=age))
    if arguments.vault is not None:
        raise UsageError("--vault goes with --patient, or with --text to read it by the vault's model")
    findings = () if arguments.findings is None else parse_findings(arguments.findings)
    service = _service(arguments, with_text=False)
    if findings:
        _must_be_rankable(service, findings)
        _tell_contradictions(service, console, findings)
        return OpenCase(service, Presentation(findings, (), sex, age))
    return OpenCase(service, _of_packet(arguments, console, service, sex=sex, age=age))


def _text_service(arguments: argparse.Namespace, console: Console, *, with_text: bool) -> "DiagnosisService":
    """With the vault's current model where one is named, else the starting model."""
    if arguments.vault is None:
        return _service(arguments, with_text=with_text)
    with open_to_read(arguments, console) as vault:
        return _service(arguments, vault, with_text=with_text)


def _of_packet(
    arguments: argparse.Namespace, console: Console, service: "DiagnosisService", *, sex: Sex, age: int | None
) -> "Presentation":
    """What the packet says; --sex and --age come first."""
    from app.workflows.present_phenopacket import present_phenopacket

    packet = present_phenopacket(
        arguments.phenopacket, service.graph, laboratory=service.laboratory, today=date.today()
    )
    for term_id in packet.left_out:
        console.progress(f"left out {term_id}: no phenotypic abnormality of HPO {service.graph.version}")
    asked = packet.presentation
    _tell_contradictions(service, console, asked.findings)
    return replace(
        asked,
        sex=asked.sex if sex is Sex.UNKNOWN else sex,
        age_days=asked.age_days if age is None else age,
    )


def _must_be_rankable(service: "DiagnosisService", findings: Sequence[Finding]) -> None:
    from app.workflows.check_rankable import is_rankable

    for finding in findings:
        service.graph.resolve(finding.term_id)  # an unknown id is refused as such
        if not is_rankable(service.graph, finding):
            raise UsageError(f"{finding.term_id} is no phenotypic abnormality; name terms below HP:0000118")


def _tell_contradictions(service: "DiagnosisService", console: Console, findings: Sequence[Finding]) -> None:
    from knowledge_graph.graph.settled import contradicted

    graph = service.graph
    for excluded, observed in contradicted(graph, findings).items():
        seen, gone = (graph.term_names[graph.term_number(f.term_id)] for f in (observed, excluded))
        why = "observed, too" if seen == gone else f"implied by {seen}, which is observed"
        console.progress(f"{gone} is excluded, but {why}: what is observed counts; correct the other")

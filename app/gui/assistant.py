"""What the program knows and suggests, loaded in the background after the window has opened."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from app.clinical.annotation import Annotation
from app.clinical.chart import Chart
from app.clinical.diagnosis import Differential
from app.clinical.ids import PatientId
from app.clinical.note import Note
from app.config.packs import UserPacks
from app.config.policy import Policy
from app.errors import RulesRefused
from app.store.vault import Vault
from app.workflows.ask_next import Interviewer, NextQuestions
from app.workflows.compare_diseases import Comparison, compare_diseases
from app.workflows.diagnose import DiagnosisService
from app.workflows.draw_evidence import EvidenceDrawer
from app.workflows.explain_text import TextExplanation, explain_texts
from app.workflows.find_similar import SimilarCases, similar_diseases, similar_patients
from app.workflows.gather_findings import GatheredFinding
from app.workflows.load_knowledge import choose_knowledge
from app.workflows.load_rules import load_rules
from app.workflows.search_terms import TermCatalogue
from app.workflows.suggest_findings import suggest_findings
from app.workflows.weighed import Weighed
from knowledge_graph.rationale.evidence_graph import EvidenceGraph
from knowledge_graph.terms.occurrence import Setting
from knowledge_graph.terms.term import DiseaseId, TermId
from ml.errors import ModelFileError

Marks = Sequence[Annotation]
NO_POLICY, NO_PACKS = Policy(), UserPacks()


@dataclass(frozen=True)
class Opinion:
    """A ranking, the findings it rests on, and the weight of every disease behind it."""

    differential: Differential
    findings: tuple[GatheredFinding, ...]
    weighed: Weighed


@dataclass(frozen=True)
class Assistant:
    """Names, suggestions and rankings; a call may take a moment, so call off the window's thread."""

    catalogue: TermCatalogue
    provider: str  # where the text model really runs
    model_version: str
    warning: str  # what is missing, or empty
    rules_warning: str  # why the hospital's own rules are not in force, or empty
    suggest: Callable[[Note], tuple[Annotation, ...]]
    rank: Callable[[Chart, Marks, date], Opinion]
    draw: Callable[[Chart, Marks, date, DiseaseId], EvidenceGraph]
    explain: Callable[[Chart], TextExplanation]  # seconds for a long chart
    compare: Callable[[Opinion, Sequence[DiseaseId]], Comparison]
    similar: Callable[[Opinion, PatientId], SimilarCases]
    ask: Callable[[Opinion, DiseaseId | None, frozenset[TermId]], NextQuestions]  # about one disease, or all
    setting: str  # where patients are seen, when the window opens
    choose_setting: Callable[[str], None]  # for the rankings from now on


def load_assistant(
    vault: Vault, cache_dir: Path, policy: Policy = NO_POLICY, user: UserPacks = NO_PACKS
) -> Assistant:
    """Load the knowledge, the recogniser and the current model; without a model the graph speaks alone.

    The hospital's rules and its table of what questions cost are the policy's, the knowledge packs the
    policy's and the user's. A rules file with mistakes leaves the program's own rules in force, a pack
    that cannot be used is left out, and each says so.
    """
    choice = replace(choose_knowledge(policy, user), lenient=True)
    warning = ""
    try:
        service = DiagnosisService.load(cache_dir, vault, choice=choice)
    except ModelFileError as error:
        warning = str(error)
        service = DiagnosisService.load(cache_dir, vault, with_text=False, choice=choice)

    rules_warning = take_rules(service, policy.rules_file)

    def suggest(note: Note) -> tuple[Annotation, ...]:
        found = suggest_findings(service.recogniser, service.graph, note_id=note.id, text=note.text)
        return tuple(s.annotation for s in found)

    def rank(chart: Chart, marks: Marks, today: date) -> Opinion:
        weighed = service.weigh(service.presentation(chart, marks, today=today))
        differential = service.differential(weighed, top=10)
        vault.record_shown(chart.patient.id, differential)
        return Opinion(differential, service.gather(chart, marks), weighed)

    drawer = EvidenceDrawer(service)

    def draw(chart: Chart, marks: Marks, today: date, disease: DiseaseId) -> EvidenceGraph:
        return drawer.draw(service.presentation(chart, marks, today=today), disease)

    def explain(chart: Chart) -> TextExplanation:
        return explain_texts(service, [note.text for note in chart.notes])

    @cache
    def interviewer() -> Interviewer:
        """Made when first asked, so that a table of costs that is wrong stops the questions only."""
        return Interviewer(service, policy.question_costs)

    def ask(opinion: Opinion, rule: DiseaseId | None, unknown: frozenset[TermId]) -> NextQuestions:
        return interviewer().ask(opinion.weighed, rule=rule, skip=unknown)

    def compare(opinion: Opinion, diseases: Sequence[DiseaseId]) -> Comparison:
        return compare_diseases(service, opinion.weighed, diseases)

    def similar(opinion: Opinion, patient: PatientId) -> SimilarCases:
        findings = opinion.weighed.asked.findings
        return SimilarCases(
            similar_patients(vault, service.graph, patient, findings),
            similar_diseases(service.graph, findings),
        )

    def choose_setting(setting: str) -> None:
        service.setting = Setting(setting)

    return Assistant(
        catalogue=TermCatalogue(service.graph),
        provider=service.provider,
        model_version=service.predictor.version if service.predictor else "",
        warning=warning,
        rules_warning=rules_warning,
        suggest=suggest,
        rank=rank,
        draw=draw,
        explain=explain,
        compare=compare,
        similar=similar,
        ask=ask,
        setting=str(choice.setting),
        choose_setting=choose_setting,
    )


def take_rules(service: DiagnosisService, rules_file: Path | None) -> str:
    """Give the service its rules; why the hospital's own are not among them, or empty."""
    try:
        service.rules = load_rules(service.graph, () if rules_file is None else (rules_file,))
    except RulesRefused as error:
        service.rules = load_rules(service.graph)
        return f"the hospital's own rules are not in force: {error}"
    return ""

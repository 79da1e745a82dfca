"""What the program knows and suggests, loaded in the background after the window has opened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from threading import Event

from app.clinical.age import age_days_at
from app.clinical.annotation import Annotation
from app.clinical.chart import Chart
from app.clinical.diagnosis import Differential
from app.clinical.ids import PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.config.packs import UserPacks
from app.config.policy import Policy
from app.errors import RulesRefused
from app.store.vault import Vault
from app.workflows.ask_next import Interviewer, NextQuestions
from app.workflows.compare_diseases import Comparison, compare_diseases
from app.workflows.diagnose import DiagnosisService
from app.workflows.draw_evidence import draw_evidence
from app.workflows.explain_text import TextExplanation, explain_texts
from app.workflows.find_similar import SimilarCases, similar_diseases, similar_patients
from app.workflows.gather_findings import GatheredFinding
from app.workflows.load_knowledge import choose_knowledge
from app.workflows.load_rules import load_rules
from app.workflows.read_notes import weigh_while_reading
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
    """A ranking, the findings it rests on, and the weight of every disease behind it.

    `share` says how much of the notes is read, 0 to 1: the last opinion on a chart has 1.
    """

    differential: Differential
    findings: tuple[GatheredFinding, ...]
    weighed: Weighed
    share: float = 1.0

    @property
    def rests_on_nothing(self) -> bool:
        """Whether the chart says nothing: the order is that of what is common."""
        return not self.findings and self.weighed.text is None


@dataclass(frozen=True, slots=True)
class StillReading:
    """How much of the notes is read, where that changes no opinion yet."""

    share: float


class Assistant:
    """Names, suggestions and rankings; a call may take a moment, so call off the window's thread.

    `warning` says what is missing, `rules_warning` why the hospital's own rules are not in force; each may be
    empty. `question_costs` is the hospital's own table of what questions cost.
    """

    def __init__(
        self,
        service: DiagnosisService,
        vault: Vault,
        *,
        question_costs: Path | None = None,
        warning: str = "",
        rules_warning: str = "",
    ) -> None:
        self.catalogue = TermCatalogue(service.graph)
        self.warning = warning
        self.rules_warning = rules_warning
        self._service = service
        self._vault = vault
        self._question_costs = question_costs

    @property
    def provider(self) -> str:
        """Where the text model really runs."""
        return self._service.provider

    @property
    def model_version(self) -> str:
        """The text model's version; empty without one."""
        return self._service.predictor.version if self._service.predictor else ""

    @property
    def setting(self) -> str:
        """Where patients are seen."""
        return str(self._service.setting)

    def choose_setting(self, setting: str) -> None:
        """Where patients are seen, for the rankings from now on."""
        self._service.setting = Setting(setting)

    def suggest(self, patient: Patient, note: Note) -> tuple[Annotation, ...]:
        """Findings read in a patient's note."""
        service, age = self._service, age_days_at(patient.birth_date, note.written_at)
        found = suggest_findings(
            service.recogniser, service.graph, note_id=note.id, text=note.text, age_days=age
        )
        return tuple(s.annotation for s in found)

    def rank(
        self, chart: Chart, marks: Marks, today: date, stop: Event | None = None
    ) -> Iterator[Opinion | StillReading]:
        """The differential of a chart: first by its findings, then as its notes are read.

        That a list was shown is recorded. Setting `stop` ends it after the window being read.
        """
        service = self._service
        gathered = service.gather(chart, marks)
        asked = service.presentation_of(chart, gathered, today=today)
        for weighing in weigh_while_reading(service, asked):
            if stop is not None and stop.is_set():
                return
            if weighing.weighed is None:
                yield StillReading(weighing.share)
                continue
            differential = service.differential(weighing.weighed, top=10)
            self._vault.record_shown(chart.patient.id, differential)
            yield Opinion(differential, gathered, weighing.weighed, weighing.share)

    def draw(self, chart: Chart, marks: Marks, today: date, disease: DiseaseId) -> EvidenceGraph:
        """The evidence for a disease as a graph."""
        asked = self._service.presentation(chart, marks, today=today)
        return draw_evidence(self._service, asked, disease)

    def explain(self, chart: Chart) -> TextExplanation:
        """What each sentence counts; seconds for a long chart."""
        ages = [age_days_at(chart.patient.birth_date, note.written_at) for note in chart.notes]
        return explain_texts(self._service, [note.text for note in chart.notes], ages=ages)

    def ask(self, opinion: Opinion, rule: DiseaseId | None, unknown: frozenset[TermId]) -> NextQuestions:
        """What to ask next, about one disease or all; nothing that the user can't tell."""
        return self._interviewer.ask(opinion.weighed, rule=rule, skip=unknown)

    def compare(self, opinion: Opinion, diseases: Sequence[DiseaseId]) -> Comparison:
        """Diseases side by side."""
        return compare_diseases(self._service, opinion.weighed, diseases)

    def similar(self, opinion: Opinion, patient: PatientId) -> SimilarCases:
        """Patients of the vault and diseases like this patient."""
        findings, graph = opinion.weighed.asked.findings, self._service.graph
        patients = similar_patients(self._vault, graph, patient, findings)
        return SimilarCases(patients, similar_diseases(graph, findings))

    @cached_property
    def _interviewer(self) -> Interviewer:
        """Made when first asked, so that a table of costs that is wrong stops the questions only."""
        return Interviewer(self._service, self._question_costs)


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
    return Assistant(
        service,
        vault,
        question_costs=policy.question_costs,
        warning=warning,
        rules_warning=rules_warning,
    )


def take_rules(service: DiagnosisService, rules_file: Path | None) -> str:
    """Give the service its rules; why the hospital's own are not among them, or empty."""
    try:
        service.rules = load_rules(service.graph, () if rules_file is None else (rules_file,))
    except RulesRefused as error:
        service.rules = load_rules(service.graph)
        return f"the hospital's own rules are not in force: {error}"
    return ""

"""Ranks diseases for a chart, a text or a list of findings: graph and text model fused, with reasons.

Without a text (or a model) the graph speaks alone; without findings the text model does. Neither
torch nor the NetworkX graph is needed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from app.clinical.age import age_days
from app.clinical.annotation import Annotation
from app.clinical.chart import Chart
from app.clinical.diagnosis import Differential, DifferentialLine, Elsewhere
from app.workflows.condition_list import sex_by
from app.workflows.differential_line import differential_lines
from app.workflows.elsewhere import elsewhere
from app.workflows.gather_findings import GatheredFinding, gather_findings
from app.workflows.learned_weights import learned_weights
from app.workflows.load_knowledge import KnowledgeChoice, LiveKnowledge
from app.workflows.load_rules import load_rules
from app.workflows.note_reader import NoteReader
from app.workflows.possible_diseases import possible_diseases
from app.workflows.read_codes import read_codes
from app.workflows.read_conditions import ConditionReader
from app.workflows.read_laboratory import read_laboratory
from app.workflows.record_days import days_before, newest_day, newest_note_day
from app.workflows.suggest_findings import build_recogniser, read_findings
from app.workflows.tell_old_findings import not_new
from app.workflows.weighed import Presentation, Weighed
from knowledge_graph.findings.finding import Finding, Sex, observed_count
from knowledge_graph.fusion.fused_differential import FusedDifferential, fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights, Told
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.fusion.setting_prior import DEFAULT_SETTING, setting_prior
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import consistent
from knowledge_graph.ranking.rank import GraphScores, rank
from knowledge_graph.rules.constraints import ConstraintShare, constraint_share
from knowledge_graph.rules.facts import Facts
from knowledge_graph.rules.laboratory import by_loinc
from knowledge_graph.rules.rule import LaboratoryRule, RuleBook
from knowledge_graph.rules.trace import RuleTrace, apply_rules
from knowledge_graph.terms.occurrence import Setting
from ml.recognition.recogniser import Recogniser

if TYPE_CHECKING:  # a list of findings needs neither a model nor a vault
    from app.store.vault import Vault
    from ml.inference.predictor import Predictor
    from ml.registry.model_version import VersionContent

GRAPH_ALONE = "graph alone"


class DiagnosisService:
    """The compiled graph, the recogniser (made when first asked) and one text model, for many patients."""

    def __init__(
        self,
        graph: CompiledGraph,
        predictor: "Predictor | None",
        *,
        recogniser: Callable[[], Recogniser],
        rules: Callable[[], RuleBook] | None = None,
        knowledge: LiveKnowledge | None = None,
        setting: Setting = DEFAULT_SETTING,
    ):
        self.predictor = predictor
        self.knowledge = knowledge
        self.setting = setting
        self._make_recogniser = recogniser
        self._load_rules = rules or partial(load_rules, graph)
        self._weights = FusionWeights.load()
        self._take(graph)

    def _take(self, graph: CompiledGraph) -> None:
        self.graph = graph
        self.shown_as = leaders(graph)
        self.notes = NoteReader(graph, self.predictor)
        self._conditions: ConditionReader | None = None

    def refresh(self) -> None:
        """Take up what the hospital has changed in its own knowledge since the last patient."""
        if self.knowledge is not None and self.knowledge.refresh():
            self._take(self.knowledge.graph)

    @classmethod
    def load(
        cls,
        cache_dir: Path,
        vault: "Vault | None" = None,
        *,
        provider: str = "auto",
        with_text: bool = True,
        own_rules: Sequence[Path] = (),
        choice: KnowledgeChoice | None = None,
    ) -> "DiagnosisService":
        """The current model of a vault, or the starting model; no model at all without `with_text`.

        `own_rules` are a hospital's rules files; their mistakes are raised when rules are first asked.
        Without a `choice` HPO speaks alone.
        """
        choice = KnowledgeChoice(packs=()) if choice is None else choice
        knowledge = LiveKnowledge(cache_dir, choice)
        graph = knowledge.graph
        predictor = None
        if with_text:
            predictor = _current_model(vault, provider=provider)
        return cls(
            graph,
            predictor,
            recogniser=partial(build_recogniser, graph, cache_dir),
            rules=partial(load_rules, graph, own_rules),
            knowledge=knowledge,
            setting=choice.setting,
        )

    @classmethod
    def of_version(cls, base: "DiagnosisService", content: "VersionContent") -> "DiagnosisService":
        """The same knowledge with another model version."""
        from ml.inference.version_loading import load_predictor
        from ml.text.encoder_files import find_encoder

        predictor = load_predictor(content, find_encoder(None))
        return cls(
            base.graph,
            predictor,
            recogniser=lambda: base.recogniser,
            rules=lambda: base.rules,
            knowledge=base.knowledge,
            setting=base.setting,
        )

    @cached_property
    def recogniser(self) -> Recogniser:
        """What finds terms in notes; a list of findings needs none."""
        return self._make_recogniser()

    @cached_property
    def rules(self) -> RuleBook:
        """The rules in force. Raises RulesRefused where a hospital's file has mistakes."""
        return self._load_rules()

    @cached_property
    def laboratory(self) -> dict[str, LaboratoryRule]:
        """The laboratory rules by LOINC code."""
        return by_loinc(self.rules.laboratory)

    @property
    def conditions(self) -> ConditionReader:
        """What finds in notes the conditions that rules ask for; made when first asked, and after an edit."""
        if self._conditions is None:
            self._conditions = ConditionReader(self.rules, self.graph.facts.values())
        return self._conditions

    @property
    def provider(self) -> str:
        """Where the text model really runs; empty without one."""
        return self.predictor.provider if self.predictor else ""

    def gather(self, chart: Chart, marks: Sequence[Annotation] = ()) -> tuple[GatheredFinding, ...]:
        """The findings that a chart's diagnosis rests on, with their sources."""
        return gather_findings(self.graph, self.recogniser, chart, marks=marks, laboratory=self.laboratory)

    def diagnose_chart(
        self, chart: Chart, marks: Sequence[Annotation] = (), *, top: int = 10, today: date
    ) -> Differential:
        """A patient's differential."""
        return self.diagnose(self.presentation(chart, marks, today=today), top=top)

    def presentation(self, chart: Chart, marks: Sequence[Annotation] = (), *, today: date) -> Presentation:
        """What a chart asks about. Age is counted at the newest note, or today."""
        return self.presentation_of(chart, self.gather(chart, marks), today=today)

    def presentation_of(
        self, chart: Chart, gathered: Sequence[GatheredFinding], *, today: date
    ) -> Presentation:
        """The same, with what was gathered from the chart."""
        newest = newest_day(chart, today=today)
        return Presentation(
            findings=tuple(g.finding for g in gathered),
            texts=tuple(note.text for note in chart.notes),
            sex=chart.patient.sex,
            age_days=age_days(chart.patient.birth_date, newest_note_day(chart.notes, today=today)),
            conditions=read_codes(chart.conditions, newest=newest),
            labs=read_laboratory(chart.observations, newest=newest),
            days_old=tuple(days_before(note.written_at, newest) for note in chart.notes),
        )

    def diagnose_text(self, text: str, *, sex: Sex, age: int | None, top: int = 10) -> Differential:
        """The differential of one text, its findings read by the recogniser."""
        return self.diagnose(self.presentation_of_text(text, sex=sex, age=age), top=top)

    def presentation_of_text(self, text: str, *, sex: Sex, age: int | None) -> Presentation:
        """What one text asks about, its findings read by the recogniser."""
        return Presentation(read_findings(self.recogniser, text, age_days=age), (text,), sex, age)

    def diagnose(self, asked: Presentation, *, top: int = 10) -> Differential:
        """The differential of what is asked."""
        return self.differential(self.weigh(asked), top=top)

    def differential(self, weighed: Weighed, *, top: int = 10) -> Differential:
        """Cut to the likeliest `top`, explain each line, say which rules fired."""
        best = weighed.fused.best(top)
        shown = best[weighed.fused.shown[best] > 0]  # an id that stands in another's line has none
        lines = self.lines(weighed, enumerate(shown.tolist(), start=1))
        model = self.predictor.version if self.predictor else GRAPH_ALONE
        return Differential(
            lines,
            weighed.fused.abstained,
            model,
            self.graph.title,
            self.provider,
            self.trace(weighed.asked),
            setting=str(self.setting),
            warning=self.knowledge.warning if self.knowledge else "",
            possible=possible_diseases(self.graph, weighed, shown_as=self.shown_as),
            elsewhere=self._elsewhere(weighed),
            log_normaliser=weighed.fused.log_normaliser - weighed.fused.prior_of_unstated,
        )

    def _elsewhere(self, weighed: Weighed) -> Elsewhere | None:
        """The common disease that a patient like this would have first where such diseases are seen."""
        if self.setting is not DEFAULT_SETTING or not self.graph.packs:
            return None
        there = self.fused(
            weighed.scores, weighed.held, weighed.text, told=weighed.asked.told, setting=Setting.PRIMARY_CARE
        )
        return elsewhere(self.graph, weighed, there, Setting.PRIMARY_CARE)

    def trace(self, asked: Presentation) -> RuleTrace:
        """Which red flags and pairs fired, why, and which almost did."""
        told = any(map(str.strip, asked.texts))
        old = not_new(self.recogniser, asked.texts, asked.days_old) if told else frozenset()
        named = self.conditions.read(
            asked.texts, sex=asked.sex, age_days=asked.age_days, days_old=asked.days_old
        )
        conditions = (*asked.conditions, *named)
        sex = sex_by(conditions, asked.sex)
        facts = Facts(asked.findings, sex, asked.age_days, conditions, asked.labs, old)
        return apply_rules(self.graph, self.rules, facts)

    def constraints(self, asked: Presentation) -> ConstraintShare:
        """What the rules say of each disease for this sex and age."""
        return constraint_share(
            self.graph, self.rules, sex=asked.sex, age_days=asked.age_days, shown_as=self.shown_as
        )

    def weigh(self, asked: Presentation) -> Weighed:
        """Scores and probabilities of all diseases; what is observed too is not excluded."""
        self.refresh()
        return self.weigh_with(asked, self.text_scores(asked.texts))

    def weigh_also(self, weighed: Weighed, finding: Finding) -> Weighed:
        """The same with one more finding; the texts are not read again."""
        asked = replace(weighed.asked, findings=(*weighed.asked.findings, finding))
        return self.weigh_with(asked, weighed.text)

    def weigh_with(self, asked: Presentation, text: npt.NDArray[np.float64] | None) -> Weighed:
        """The same by these text scores, or by findings alone."""
        scores = rank(
            self.graph, consistent(self.graph, asked.findings), sex=asked.sex, age_days=asked.age_days
        )
        held = self.constraints(asked)
        return Weighed(asked, scores, self.fused(scores, held, text, told=asked.told), held, text)

    def with_text(self, weighed: Weighed, text: npt.NDArray[np.float64]) -> Weighed:
        """The same by other text scores; the graph is not asked again."""
        fused = self.fused(weighed.scores, weighed.held, text, told=weighed.asked.told)
        return replace(weighed, fused=fused, text=text)

    def weight_of_next(
        self,
        scores: GraphScores,
        *,
        text: npt.NDArray[np.floating] | None = None,
        told: Told = Told.FINDINGS,
    ) -> float:
        """By which power one more observed finding would count, beside a text's scores if there are any."""
        weight = self.weights(text).of_graph(observed_count(scores.findings) + 1, with_text=text is not None)
        return self._weights.sureness(self.setting, told) * weight

    def weights(self, text: npt.NDArray[np.floating] | None) -> FusionWeights:
        """Those that ship; where this text speaks beside the graph, by what the model's patients told."""
        learned = self.predictor.fusion if self.predictor else None
        return self._weights if text is None else learned_weights(self._weights, learned, self.graph, text)

    def text_weight(self, told: Told) -> float:
        """What a text's log probability is multiplied by beside a graph, where nothing was learned of it."""
        return self._weights.sureness(self.setting, told) * self._weights.of_text_model(with_graph=True)

    def fused(
        self,
        scores: GraphScores,
        held: ConstraintShare,
        text: npt.NDArray[np.float64] | None = None,
        *,
        told: Told = Told.FINDINGS,
        setting: Setting | None = None,
    ) -> FusedDifferential:
        """The probabilities that the graph's scores, the constraints and the text model lead to.

        `told` says how the findings came, also where no text model heard it; `setting` names another.
        """
        setting = setting or self.setting
        return fuse(
            scores.total if scores.findings else None,
            text,
            observed=observed_count(scores.findings),
            prior=setting_prior(self.graph, setting),
            weights=self.weights(text if scores.findings else None),
            shown_as=self.shown_as,
            rule_share=held.share,
            sureness=self._weights.sureness(setting, told),
        )

    def text_scores(self, texts: Sequence[str]) -> npt.NDArray[np.float64] | None:
        """Mean log probability over the notes, in graph order; NaN where the model lacks a disease."""
        return self.notes.scores(texts)

    def text_rows(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """Log probabilities (texts, n_diseases), each text on its own. Needs a text model."""
        return self.notes.rows(texts)

    def lines(self, weighed: Weighed, placed: Iterable[tuple[int, int]]) -> tuple[DifferentialLine, ...]:
        """Diseases with their reasons, each (rank, disease) of `placed`; rank 0 where it is not listed."""
        return differential_lines(self.graph, self.shown_as, weighed, placed)


def _current_model(vault: "Vault | None", *, provider: str) -> "Predictor":
    """The vault's current model; the starting model where there is no vault."""
    from app.workflows.list_models import current_version
    from ml.inference.version_loading import load_predictor
    from ml.registry.starting_model import starting_version
    from ml.text.encoder_files import find_encoder

    content = starting_version() if vault is None else current_version(vault)
    return load_predictor(content, find_encoder(), provider=provider)

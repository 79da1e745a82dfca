"""What to ask next for a patient: the best questions over the differential that stands, or on one disease."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.workflows.diagnose import DiagnosisService
from app.workflows.weighed import Weighed
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.answer_model import build_answer_model, entropy
from knowledge_graph.questions.cost_table import CostTable, read_costs, shipped_costs
from knowledge_graph.questions.next_question import Question, Questioner
from knowledge_graph.questions.own_names import own_names
from knowledge_graph.terms.term import DiseaseId


@dataclass(frozen=True, slots=True)
class Suspect:
    """The disease to be ruled in or out, and how likely it is now."""

    disease_id: DiseaseId
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class NextQuestions:
    """Questions, best first; `open_bits` is what is uncertain about the disease, in bits."""

    questions: tuple[Question, ...]
    open_bits: float
    suspect: Suspect | None = None


class Interviewer:
    """The knowledge of a service with the costs of questions, for many patients."""

    def __init__(self, service: DiagnosisService, costs: Path | None = None) -> None:
        self._service = service
        self._costs = costs_of(service.graph, costs)
        self._made: tuple[CompiledGraph, Questioner] | None = None

    @property
    def questioner(self) -> Questioner:
        """The model of answers with the costs, made when first asked and after an edit of the knowledge."""
        graph = self._service.graph
        if self._made is None or self._made[0] is not graph:
            joined = self._service.shown_as
            model = build_answer_model(graph, joined)
            self._made = (
                graph,
                Questioner(graph, model, self._costs.of_terms(graph), own_names(graph, joined)),
            )
        return self._made[1]

    def ask(
        self, weighed: Weighed, *, rule: str | None = None, skip: Iterable[str] = (), top: int = 5
    ) -> NextQuestions:
        """The best questions on all diseases, or on whether it is `rule`. `skip` are terms asked in vain.

        Raises UnknownDisease, UnknownTerm.
        """
        service, asked, belief = self._service, weighed.asked, weighed.fused.shown
        number = None if rule is None else int(service.shown_as[service.graph.disease_number(rule)])
        questions = self.questioner.best(
            belief,
            asked.findings,
            believe=lambda finding: service.weigh_also(weighed, finding).fused.shown,
            weight=service.weight_of_next(weighed.scores, text=weighed.text, told=asked.told),
            sex=asked.sex,
            age_days=asked.age_days,
            rule=number,
            skip=skip,
            count=top,
        )
        if number is None:
            return NextQuestions(questions, entropy(belief))
        graph = service.graph
        suspect = Suspect(graph.disease_ids[number], graph.disease_names[number], float(belief[number]))
        return NextQuestions(questions, entropy(belief), suspect)


def costs_of(graph: CompiledGraph, own: Path | None) -> CostTable:
    """The hospital's own table, or the shipped one. Raises SourceRefused with the lines that are wrong."""
    return shipped_costs(graph) if own is None else read_costs(own, graph)

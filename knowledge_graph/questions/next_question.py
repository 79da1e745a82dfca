"""The best next questions: expected information gain for each unit of cost, and what each answer does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.answer_model import AnswerModel, Belief, entropy
from knowledge_graph.questions.askable import askable_terms
from knowledge_graph.questions.cost_table import CostClass, TermCosts
from knowledge_graph.questions.information_gain import cautious, expected_gain, expected_gain_on
from knowledge_graph.questions.own_names import OwnNames
from knowledge_graph.terms.term import DiseaseId, TermId


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer would do: how likely it is, the disease then first, and its probability then."""

    chance: float
    disease_id: DiseaseId
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Question:
    """A finding worth asking about; an answer tells `gain_bits` on average, `share` of all that is open.

    Both of the `cautious` belief; of the belief as it stands where one disease is to be ruled in or out.
    """

    term_id: TermId
    name: str
    cost_class: CostClass
    cost: float
    gain_bits: float
    share: float
    if_yes: Outcome
    if_no: Outcome


@dataclass(frozen=True, slots=True)
class Questioner:
    """The knowledge, the model of answers and the costs, for many patients; `names` are no questions."""

    graph: CompiledGraph
    model: AnswerModel
    costs: TermCosts
    names: OwnNames

    def best(
        self,
        belief: Belief,
        findings: Sequence[Finding],
        *,
        believe: Callable[[Finding], Belief],
        weight: float = 1.0,
        sex: Sex = Sex.UNKNOWN,
        age_days: int | None = None,
        rule: int | None = None,
        skip: Iterable[str] = (),
        count: int = 5,
    ) -> tuple[Question, ...]:
        """The best questions by gain for cost; of two that imply each other only the better one.

        `belief` (n_diseases,) sums to 1, with the ids of one disease under one of them; `believe` gives the
        belief with one more finding, which counts by the power `weight`. With `rule`, gains are on whether
        it is that disease. Questions that tell nothing are left out. Raises UnknownTerm.
        """
        gain = self.gains(belief, rule=rule, weight=weight)
        open_bits = entropy(cautious(belief) if rule is None else _binary(belief, rule))
        open_terms = askable_terms(self.graph, findings, sex=sex, age_days=age_days, skip=skip)
        open_terms[self._only_names(belief)] = False
        worth = np.where(open_terms, gain / self.costs.price, 0)
        return tuple(
            self._question(
                term,
                chance=float(belief @ self.model.of_term(term, len(belief))),
                gain=float(gain[term]),
                share=min(1.0, float(gain[term]) / open_bits),
                after=lambda finding: self._first(believe(finding), rule),
            )
            for term in self.distinct(worth, count)
        )

    def _only_names(self, belief: Belief) -> npt.NDArray[np.intp]:
        """What names a suspected disease and takes no test: nobody can answer it but by the diagnosis."""
        named = self.names.of_suspected(belief)
        return named[[self.costs.kind(term) in (CostClass.ASK, CostClass.EXAMINE) for term in named.tolist()]]

    def gains(
        self, belief: Belief, *, rule: int | None = None, weight: float = 1.0
    ) -> npt.NDArray[np.float64]:
        """Expected gain of every term, in bits as of `Question`: (n_terms,)."""
        if rule is None:
            return expected_gain(self.model, cautious(belief), weight=weight)
        return expected_gain_on(self.model, belief, rule, weight=weight)

    def distinct(self, worth: npt.NDArray[np.float64], count: int) -> list[int]:
        """The worthiest terms, best first, without those above or below one chosen before."""
        chosen: list[int] = []
        free = worth > 1e-9
        for term in np.argsort(-worth, kind="stable").tolist():
            if len(chosen) == count or worth[term] <= 1e-9:
                break
            if free[term]:
                chosen.append(term)
                free[self.graph.ancestors[term]] = False
                free[self.graph.descendants[term]] = False
        return chosen

    def _question(
        self,
        term: int,
        *,
        chance: float,
        gain: float,
        share: float,
        after: Callable[[Finding], tuple[DiseaseId, str, float]],
    ) -> Question:
        term_id = self.graph.term_ids[term]
        return Question(
            term_id=term_id,
            name=self.graph.term_names[term],
            cost_class=self.costs.kind(term),
            cost=float(self.costs.price[term]),
            gain_bits=gain,
            share=share,
            if_yes=Outcome(chance, *after(Finding(term_id))),
            if_no=Outcome(1 - chance, *after(Finding(term_id, FindingState.EXCLUDED))),
        )

    def _first(self, belief: Belief, rule: int | None) -> tuple[DiseaseId, str, float]:
        first = int(belief.argmax()) if rule is None else rule
        return self.graph.disease_ids[first], self.graph.disease_names[first], float(belief[first])


def _binary(belief: Belief, disease: int) -> Belief:
    return np.array([belief[disease], 1 - belief[disease]])

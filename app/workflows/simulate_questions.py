"""Measures the questions on published cases: how many until the true disease is first, and in the top ten.

A case starts with a few of its observed findings; the rest is hidden. What it answers is said by
`case_answers`; "unknown" changes nothing but counts as a question. Knowledge from the case's own publications
is left out, of the ranking and of the model of answers.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from app.clinical.age import iso_duration_days
from app.workflows.ask_next import Interviewer
from app.workflows.case_answers import Answers
from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_cases import Case, case_findings, case_sex, id_spaces, rank_of_truth
from app.workflows.weighed import Presentation
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import consistent
from knowledge_graph.questions.answer_model import Belief
from knowledge_graph.questions.askable import askable_terms
from knowledge_graph.questions.dropped_answers import answers_without
from knowledge_graph.questions.information_gain import chance_of_yes, expected_gain
from knowledge_graph.questions.next_question import Questioner
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.rank import GraphScores

STARTING = 2  # findings known at the beginning
HIDDEN = 3  # a case with fewer to be found is left out
CASES_A_DISEASE = 2
FIRST, TOP = 1, 10
Worth = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interview:
    """One case under one strategy: the rank after each question (the start first), answers, cost."""

    ranks: tuple[float, ...]
    answered_yes: int
    answered_no: int
    cost: float

    def until(self, rank: int) -> int | None:
        """Questions until the true disease is that high or higher; None where it never was."""
        return next((n for n, found in enumerate(self.ranks) if found <= rank), None)


@dataclass(frozen=True, slots=True)
class Sitting:
    """What a strategy may look at; `questioner` holds the model of answers of this case."""

    questioner: Questioner
    belief: Belief
    weight: float
    rng: np.random.Generator


def _gain(at: Sitting) -> Worth:
    return at.questioner.gains(at.belief, weight=at.weight)


def _for_cost(at: Sitting) -> Worth:
    return np.asarray(_gain(at) / at.questioner.costs.price)


def _as_believed(at: Sitting) -> Worth:
    """By a belief that is as sure as it stands."""
    gain = expected_gain(at.questioner.model, at.belief, weight=at.weight)
    return np.asarray(gain / at.questioner.costs.price)


def _commoner(at: Sitting) -> Worth:
    """Gain with less trust in what few diseases show: it is told more often in records, and tells less."""
    return _gain(at) * np.sqrt(_commonest(at))


def _likeliest(at: Sitting) -> Worth:
    return chance_of_yes(at.questioner.model, at.belief)


def _commonest(at: Sitting) -> Worth:
    return np.asarray(at.questioner.graph.profiles.background, np.float64)


def _of_likeliest(at: Sitting) -> Worth:
    """In any order, among what the ten likeliest diseases are known to show; then the rest."""
    worth = _random(at)
    for disease in np.argsort(-at.belief)[:TOP].tolist():
        worth[at.questioner.graph.signatures.of_disease(disease)[0]] += 1
    return worth


def _random(at: Sitting) -> Worth:
    return at.rng.random(len(at.questioner.costs.price))


STRATEGIES: dict[str, Callable[[Sitting], Worth]] = {
    "gain for its cost": _for_cost,
    "the same, as believed": _as_believed,
    "gain alone": _gain,
    "gain, what is common first": _commoner,
    "most frequent first": _likeliest,
    "commonest of all first": _commonest,
    "random, of ten likeliest": _of_likeliest,
    "random": _random,
}


class Simulation:
    """One knowledge and one table of costs, for many cases."""

    def __init__(self, service: DiagnosisService, interviewer: Interviewer) -> None:
        self._service = service
        self._dropped = DroppedPublication(service.graph)
        self._spaces = id_spaces(service.graph)
        self._questioner = interviewer.questioner

    def interview(
        self,
        case: Case,
        start: Sequence[Finding],
        answers: Answers,
        *,
        strategy: str,
        questions: int,
        rng: np.random.Generator,
    ) -> Interview:
        """Ask up to so many questions about one case, ending where the true disease is first."""
        graph, price = self._service.graph, self._questioner.costs.price
        model = answers_without(
            self._questioner.model, self._dropped, case.publications, self._service.shown_as
        )
        findings, skip = list(start), set[str]()
        scores = self._scores(case, findings)
        ranks = [self._rank(case, scores)]
        said = {True: 0, False: 0}
        cost = 0.0
        order: Iterator[int] = iter(())
        fresh = True
        while len(ranks) <= questions and ranks[-1] > FIRST:
            if fresh:
                belief, weight = self._belief(case, scores), self._service.weight_of_next(scores)
                at = Sitting(replace(self._questioner, model=model), belief, weight, rng)
                order, fresh = self._order(at, case, findings, skip=skip, strategy=strategy), False
            term = next(order, None)
            if term is None:
                break
            skip.add(graph.term_ids[term])
            cost += float(price[term])
            answer = answers.get(term)
            if answer is None:
                ranks.append(ranks[-1])
                continue
            said[answer] += 1
            findings.append(_answered(graph, term, yes=answer))
            scores, fresh = self._scores(case, findings), True
            ranks.append(self._rank(case, scores))
        return Interview(tuple(ranks), said[True], said[False], cost)

    def rank_with_all(self, case: Case) -> float:
        """The rank of the true disease where everything is known that the case says."""
        return self._rank(case, self._scores(case, case_findings(self._service.graph, case)[0]))

    def _order(
        self, at: Sitting, case: Case, findings: Sequence[Finding], *, skip: set[str], strategy: str
    ) -> Iterator[int]:
        graph = at.questioner.graph
        age = iso_duration_days(case.age or "")
        open_terms = askable_terms(graph, findings, sex=case_sex(case), age_days=age, skip=skip)
        worth = np.where(open_terms, STRATEGIES[strategy](at), -1.0)
        return (term for term in np.argsort(-worth, kind="stable").tolist() if worth[term] >= 0)

    def _belief(self, case: Case, scores: GraphScores) -> Belief:
        age = iso_duration_days(case.age or "")
        held = self._service.constraints(Presentation(sex=case_sex(case), age_days=age))
        return self._service.fused(scores, held).shown

    def _scores(self, case: Case, findings: Sequence[Finding]) -> GraphScores:
        age = iso_duration_days(case.age or "")
        rested_on = consistent(self._service.graph, findings)
        return self._dropped.rank(rested_on, case.publications, sex=case_sex(case), age_days=age)

    def _rank(self, case: Case, scores: GraphScores) -> float:
        return rank_of_truth(self._service.graph, scores.total, case.truths, self._spaces)


def fitting_cases(graph: CompiledGraph, cases: Iterable[Case], rng: np.random.Generator) -> list[Case]:
    """Cases with enough to hide, of a disease that the graph has, few of each disease, in random order."""
    known = [c for c in cases if any(t in graph.disease_index for t in c.truths)]
    counts: dict[str, int] = {}
    chosen = []
    for place in rng.permutation(len(known)).tolist():
        case = known[place]
        if (
            len(_observed(graph, case)) >= STARTING + HIDDEN
            and counts.get(case.truths[0], 0) < CASES_A_DISEASE
        ):
            counts[case.truths[0]] = counts.get(case.truths[0], 0) + 1
            chosen.append(case)
    return chosen


def starting_findings(graph: CompiledGraph, case: Case, rng: np.random.Generator) -> list[Finding]:
    """The findings known at the beginning: some of the observed ones, drawn at random."""
    observed = _observed(graph, case)
    return [observed[i] for i in sorted(rng.choice(len(observed), STARTING, replace=False).tolist())]


def _observed(graph: CompiledGraph, case: Case) -> list[Finding]:
    distinct = {f.term_id: f for f in case_findings(graph, case)[0] if f.state is FindingState.OBSERVED}
    return [replace(finding, onset_days=None) for finding in distinct.values()]


def _answered(graph: CompiledGraph, term: int, *, yes: bool) -> Finding:
    return Finding(graph.term_ids[term], FindingState.OBSERVED if yes else FindingState.EXCLUDED)

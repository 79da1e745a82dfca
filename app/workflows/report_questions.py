"""The table of simulated questions: each strategy on the same cases, the same findings known at first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import mean

import numpy as np

from app.errors import UsageError
from app.workflows.case_answers import UNRECORDED
from app.workflows.evaluate_cases import Case
from app.workflows.simulate_questions import (
    FIRST,
    STRATEGIES,
    TOP,
    Interview,
    Simulation,
    fitting_cases,
    starting_findings,
)
from knowledge_graph.graph.compiled_graph import CompiledGraph


@dataclass(frozen=True, slots=True)
class Reached:
    """Shares of cases (0 to 1) whose true disease was that high before any question, halfway, at the end.

    `mean_questions` counts a case that never got there with all the questions that may be asked.
    """

    at_start: float
    halfway: float
    at_end: float
    mean_questions: float


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """One strategy; answers and cost are means a case."""

    strategy: str
    first: Reached
    top10: Reached
    asked: float
    yes: float
    no: float
    cost: float


@dataclass(frozen=True, slots=True)
class QuestionTable:
    """`known_*` are the shares where all is known that the cases say: what asking for it could reach.

    `unrecorded` says what answers where they say nothing, a key of UNRECORDED.
    """

    n: int
    questions: int
    unrecorded: str
    known_first: float
    known_top10: float
    rows: tuple[StrategyRow, ...]


def measure_questions(
    graph: CompiledGraph,
    simulation: Simulation,
    cases: Iterable[Case],
    *,
    questions: int,
    count: int,
    seed: int,
    unrecorded: str = "unknown",
    progress: Callable[[str], object] = lambda _line: None,
) -> QuestionTable:
    """Simulate up to `count` cases, the same under each of STRATEGIES. Raises UsageError where none fits."""
    chosen = fitting_cases(graph, cases, np.random.default_rng(seed))[:count]
    if not chosen:
        raise UsageError("no case has enough observed findings of a disease that the knowledge has")
    drawn = [starting_findings(graph, case, _rng(seed, i)) for i, case in enumerate(chosen)]
    answers = [UNRECORDED[unrecorded](graph, case, _rng(seed, i, 1)) for i, case in enumerate(chosen)]
    rows = []
    for strategy in STRATEGIES:
        held = [
            simulation.interview(case, start, said, strategy=strategy, questions=questions, rng=_rng(seed, i))
            for i, (case, start, said) in enumerate(zip(chosen, drawn, answers, strict=True))
        ]
        rows.append(_row(strategy, held, questions))
        progress(f"{strategy}: {len(held)} cases")
    ranks = [simulation.rank_with_all(case) for case in chosen]
    return QuestionTable(
        len(chosen),
        questions,
        unrecorded,
        mean(rank <= FIRST for rank in ranks),
        mean(rank <= TOP for rank in ranks),
        tuple(rows),
    )


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _row(strategy: str, held: list[Interview], questions: int) -> StrategyRow:
    return StrategyRow(
        strategy,
        _reached(held, FIRST, questions),
        _reached(held, TOP, questions),
        asked=mean(len(one.ranks) - 1 for one in held),
        yes=mean(one.answered_yes for one in held),
        no=mean(one.answered_no for one in held),
        cost=mean(one.cost for one in held),
    )


def _reached(held: list[Interview], rank: int, questions: int) -> Reached:
    needed = [questions + 1 if (n := one.until(rank)) is None else n for one in held]
    return Reached(
        at_start=mean(n == 0 for n in needed),
        halfway=mean(n <= questions // 2 for n in needed),
        at_end=mean(n <= questions for n in needed),
        mean_questions=mean(min(n, questions) for n in needed),
    )

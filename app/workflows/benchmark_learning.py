"""Measures what a hospital learns at each epsilon, beside the start and beside learning without privacy.

Fifty diseases, told in synthetic notes and judged on styles that were not trained on; and, with `data`, its
short texts of common diseases, in two tables: from the model's own rows of the diseases that the labels stand
for, as a hospital starts, and from names that it was never taught. Each private run is the product's own
trainer with its usual settings and its own accounting. With `cases`, a table of published cases as patients.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import numpy as np

from app.config.settings import cache_dir
from app.errors import WorkerFailed
from app.workflows.learning_tasks import LearningTask, case_hospitals, short_texts, synthetic_hospitals
from app.workflows.learning_ways import NoteWays, Outcomes, Scores, told_ways
from app.workflows.trainer_process import TrainerProcess
from knowledge_graph.graph.cache import load_compiled
from ml.evaluation.ranking_quality import true_ranks
from ml.evaluation.share import interval, paired_difference
from ml.privacy.csprng import SecureRandom
from ml.registry.training_result import LearnedFusion
from ml.training.dp_head import StepSettings
from ml.training.learner import make_learner
from ml.training.text_reader import TextReader

EPSILONS = (1.0, 3.0, 8.0)
START, OPEN = "epsilon 0", "without privacy"
OPEN_CLIP, OPEN_STEPS, OPEN_RATE = 1e6, 200, 1.0  # the rate of a head; of an encoder its usual one
PATIENTS, HOSPITALS, PARTS, SPLITS = 400, 3, 4, 3
NAMED, AMONG_ALL, OTHERS = "among them", "among all diseases", "other diseases' notes"
TEXTS = {"short texts": True, "short texts, names never taught": False}  # whether by the model's own rows
Progress = Callable[..., None]
Ranks = np.ndarray[Any, np.dtype[np.integer[Any]]]
Run = dict[str, Ranks]  # by what was asked, the place of the right disease


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run changed (a safetensors file), and learned of the fusion."""

    changed: bytes | None
    fusion: LearnedFusion | None = None


def measure(
    progress: Progress,
    *,
    size: int | None = None,
    data: str | None = None,
    scope: str = "head",
    cases: Path | None = None,
) -> dict[str, object]:
    """`size` is the number of patients of each hospital, and of short texts in all. Raises UsageError."""
    graph, patients, told = load_compiled(cache_dir()), size or PATIENTS, list[LearningTask]()
    if cases is not None:  # read first, lest a bad file be found out after an hour of training
        told = list(case_hospitals(graph, cases, count=SPLITS, patients=patients, scope=scope))
    hospitals = synthetic_hospitals(graph, count=HOSPITALS, patients=patients, scope=scope)
    found: dict[str, object] = {"scope": scope, **_table("synthetic notes", hospitals, progress)}
    if told:
        found |= _table("published cases", told, progress)
    if data is not None:
        for name, taught in TEXTS.items():
            texts = short_texts(graph, Path(data), parts=PARTS, taught=taught, size=size, scope=scope)
            found |= _table(name, texts, progress)
    return found


def _table(name: str, tasks: Iterable[LearningTask], progress: Progress) -> dict[str, object]:
    parts: list[dict[str, Run]] = []
    ways: dict[str, Outcomes] = {}
    learned: dict[str, list[str]] = {}
    sizes: dict[str, object] = {}
    for number, task in enumerate(tasks, 1):

        def say(text: str, at: int = number) -> None:
            progress(f"{name}, run {at}: {text}")

        parts.append({})
        for run, asked, judged in _runs(task, say):
            parts[-1][run] = asked
            for of, outcomes in judged.outcomes.items():
                own = ways.setdefault(f"{run}, {of}", {})
                for way, its in outcomes.items():
                    own.setdefault(way, []).extend(its)
            learned.setdefault(run, []).append(told_fusion(judged.fusion))
        sizes = {
            f"{name}: diseases": len(task.start.declared),
            f"{name}: patients of a run": len(task.patients),
            f"{name}: notes of a run": sum(len(p.texts) for p in task.patients),
            f"{name}: seeds": number,
        }
    runs = {
        run: {asked: np.concatenate([part[run][asked] for part in parts]) for asked in parts[0][run]}
        for run in parts[0]
    }
    found = {f"{name}: new notes": len(runs[START][NAMED])} | _shares(name, runs)
    for run, outcomes in ways.items():
        found |= told_ways(f"{name}: {run}", outcomes)
    for run, fusions in learned.items() if ways else ():
        found[f"{name}: {run}, weights learned"] = "; ".join(fusions)
    return sizes | found


def _shares(name: str, runs: dict[str, Run]) -> dict[str, object]:
    """Each run's shares, and how far it is from the start and from learning without privacy."""
    found: dict[str, object] = {}
    for run, asked in runs.items():
        for what, ranks in asked.items():
            for top in {NAMED: (1, 5), AMONG_ALL: (1,), OTHERS: (10,)}[what]:
                found[f"{name}: {run}, {what}, top-{top}"] = told(ranks <= top)
    for run in runs:
        for other in (START, OPEN):
            if run not in (START, OPEN):
                by = told_difference(runs[run][NAMED], runs[other][NAMED])
                found[f"{name}: {run} less {other}, top-1"] = by
    return found


@dataclass(frozen=True, slots=True)
class _Judged:
    """Text, graph and both by whose notes they are; none where the graph is not asked. What was learned."""

    outcomes: dict[str, Outcomes]
    fusion: LearnedFusion | None


def _runs(task: LearningTask, progress: Callable[[str], None]) -> Iterator[tuple[str, Run, _Judged]]:
    """What each model makes of a task's new notes, alone and beside the graph, the start first."""
    progress("reading new notes")
    reader = TextReader(task.start, [*task.texts, *task.others])
    ways = NoteWays(load_compiled(cache_dir()), task.start.labels, cache_dir()) if task.notes else None
    taught = ways.taught(task) if ways else task
    own, others = (ways.sides(notes) if ways else [] for notes in (task.notes, task.others_notes))

    def asked(run: str, trained: Trained) -> tuple[str, Run, _Judged]:
        scores = reader.logits(trained.changed)
        parts = {AMONG_ALL: (own, scores[: len(own)]), OTHERS: (others, scores[len(task.texts) :])}
        outcomes = {
            of: ways.outcomes(sides, logits, trained.fusion)
            for of, (sides, logits) in parts.items()
            if ways and sides
        }
        return run, _asked(scores, task), _Judged(outcomes, trained.fusion)

    yield asked(START, Trained(None))
    for epsilon in EPSILONS:
        progress(f"training at epsilon {epsilon:g}")
        yield asked(f"epsilon {epsilon:g}", privately(taught, epsilon, progress))
    progress("training without privacy")
    yield asked(OPEN, openly(taught))


def _asked(scores: Scores, task: LearningTask) -> Run:
    declared = list(task.start.declared)
    own, others = scores[: len(task.texts)], scores[len(task.texts) :]
    places = np.searchsorted(declared, task.truth)
    run = {NAMED: true_ranks(own[:, declared], places)}
    if task.others:
        run[AMONG_ALL] = true_ranks(own, np.array(task.truth))
        run[OTHERS] = true_ranks(others, np.array(task.others_truth))
    return run


def privately(task: LearningTask, epsilon: float, progress: Callable[[str], None]) -> Trained:
    """What the trainer's process gives; each block of steps is granted as `train` would."""
    never, job = Event(), task.job(epsilon)
    with TrainerProcess() as trainer:
        trainer.start(job, list(task.patients))
        while (frame := trainer.receive(never)) is not None:
            if frame["kind"] == "planned":
                _hold_to(epsilon, float(frame["epsilons"][-1]))
                trainer.grant()
            elif frame["kind"] == "checkpoint":
                progress(f"epsilon {epsilon:g}, step {frame['step']} of {job.steps}")
                if frame["step"] < job.steps:
                    trainer.grant()
            elif frame["kind"] == "result":
                told = frame["fusion"]
                return Trained(bytes(frame["tensors"]), told and msgspec.convert(told, LearnedFusion))
    raise WorkerFailed("the trainer gave no result; check free memory and try again")


def _hold_to(epsilon: float, planned: float) -> None:
    if planned > epsilon * (1 + 1e-9):
        raise WorkerFailed(f"the trainer plans epsilon {planned:.4g} where {epsilon:g} was asked for")


def openly(task: LearningTask) -> Trained:
    """The same scope without noise or clip, every patient in every step; for measuring alone."""
    job = task.start
    if job.scope == "head":
        job = replace(job, steps=OPEN_STEPS)
    learner = make_learner(job, task.patients)
    rate = OPEN_RATE if job.scope == "head" else job.learning_rate
    settings = StepSettings(OPEN_CLIP, 0.0, len(task.patients), rate, optimizer=job.optimizer)
    for _ in range(job.steps):
        learner.step(range(len(task.patients)), settings, SecureRandom())
    return Trained(learner.result(), learner.fusion())


def told_fusion(fusion: LearnedFusion | None) -> str:
    """What was learned of the fusion's weights, in words."""
    return "as shipped" if fusion is None else f"text x {fusion.text:g}, power x {fusion.power:g}"


def told(right: np.ndarray[Any, np.dtype[np.bool_]]) -> str:
    """A share of notes with its 95 % interval, in per cent."""
    low, high = interval(float(right.mean()), len(right))
    return f"{100 * right.mean():.1f} ({100 * low:.1f} to {100 * high:.1f})"


def told_difference(one: Ranks, other: Ranks) -> str:
    """Points of top-1 on the same notes, with the 95 % interval."""
    value, low, high = paired_difference(one <= 1, other <= 1)
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"

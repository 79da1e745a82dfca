"""A run's curve: how the model under way names the diseases of synthetic notes, at no epsilon."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.config.settings import cache_dir
from app.workflows.load_knowledge import KnowledgeChoice, load_graph
from app.workflows.plan_training import TrainingPlan
from app.workflows.synthetic_notes import HELD_OUT_STYLES
from app.workflows.write_notes import synthetic_notes
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId
from ml.training.messages import ValidationNote

VALIDATION_NOTES, VALIDATION_SEED = 36, 11
MOST_SHARE = 0.04  # of a run's passes over notes that judging may take
_PASSES = 3  # of a private step over each note: forward, and a backward pass of twice its work


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """After `step`: epsilon of the ledger and, on synthetic notes, shares (0 to 1) and mean cross-entropy.

    `steps_per_second` is rounded (`told_speed`); 0 before the first step.
    """

    step: int
    epsilon: float
    top1: float
    top10: float
    loss: float
    steps_per_second: float = 0.0


def told_speed(steps_per_second: float) -> float:
    """The nearest of 1, 2, 5, 10 and so on: how many patients were drawn is private, and moves the speed."""
    if steps_per_second <= 0:
        return 0.0
    power = 10.0 ** math.floor(math.log10(steps_per_second))
    return min(
        (round(power * least, 9) for least in (1, 2, 5, 10)), key=lambda told: abs(told - steps_per_second)
    )


def validation_notes(declared: Sequence[str], rows: dict[str, int]) -> tuple[ValidationNote, ...]:
    """Notes of declared diseases in styles that training never saw, always the same; none where none can be.

    `rows` are the places of the model's labels.
    """
    graph = knowledge_of(declared)
    known = [DiseaseId(d) for d in sorted(declared) if d in graph.disease_index]
    rng = np.random.default_rng(VALIDATION_SEED)
    notes = synthetic_notes(graph, count=VALIDATION_NOTES, styles=HELD_OUT_STYLES, rng=rng, diseases=known)
    try:
        return tuple(ValidationNote(note.text, rows[note.truths[0]]) for note in notes)
    except ValueError:
        return ()  # no declared disease has a finding that could be told


def knowledge_of(declared: Sequence[str]) -> CompiledGraph:
    """HPO tells its diseases alone; of common conditions the program's own pack knows what to tell."""
    bare = load_compiled(cache_dir())
    common = set(declared) - bare.disease_index.keys()
    return load_graph(cache_dir(), KnowledgeChoice()) if common else bare


def blocks_between(plan: TrainingPlan) -> int:
    """How many blocks of steps lie between two points, by public numbers alone.

    A head is judged on features that were read once; an encoder reads the notes anew.
    """
    if plan.scope == "head":
        return 1
    block = _PASSES * plan.block_steps * plan.sample_rate * plan.expected_patients
    return max(1, math.ceil(VALIDATION_NOTES / (MOST_SHARE * block)))

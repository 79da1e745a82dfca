"""Text, graph and both fused on a task's new notes, model by model; the graph's side is read once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.workflows.evaluate_notes import (
    FUSED,
    GRAPH,
    TEXT,
    Outcome,
    ScoredNote,
    accuracy,
    outcome_of,
    ranked_unseen,
    ways_of,
)
from app.workflows.learned_weights import learned_weights
from app.workflows.site_fusion import beside_of, label_rows, leader_rows
from app.workflows.suggest_findings import build_recogniser, read_findings
from app.workflows.write_notes import KnownNote
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from ml.evaluation.share import interval
from ml.registry.training_result import LearnedFusion
from ml.training.messages import Beside

if TYPE_CHECKING:  # what makes tasks needs torch
    from app.workflows.learning_tasks import LearningTask

AS_SHIPPED = "fused by the shipped weights"
SHOWN = (TEXT, GRAPH, FUSED, AS_SHIPPED)
Scores = np.ndarray[Any, np.dtype[np.float32]]
Outcomes = dict[str, list[Outcome]]


@dataclass(frozen=True, slots=True)
class NoteSide:
    """A note, the graph's scores by what was read in it, and how many findings were."""

    note: KnownNote
    ranked: Scores
    count: int


class NoteWays:
    """Text, graph and both of notes, for the logits of one model after another."""

    def __init__(self, graph: CompiledGraph, labels: Sequence[str], cache_dir: Path) -> None:
        self._graph, self._shown_as = graph, leaders(graph)
        self._rows, self._labels = label_rows(graph, labels), len(labels)
        self._dropped, self._recogniser = DroppedPublication(graph), build_recogniser(graph, cache_dir)
        self._weights = FusionWeights.load()

    def sides(self, notes: Sequence[KnownNote]) -> list[NoteSide]:
        """The notes with what the graph says of them."""
        return [self._side(note) for note in notes]

    def outcomes(
        self, sides: Sequence[NoteSide], logits: Scores, fusion: LearnedFusion | None = None
    ) -> Outcomes:
        """By way, of every note; `logits` (notes, labels) are one model's, `fusion` what it learned."""
        found: Outcomes = {way: [] for way in SHOWN}
        for side, own in zip(sides, logits, strict=True):
            truths = [int(self._shown_as[self._graph.disease_number(truth)]) for truth in side.note.truths]
            text = self._in_graph_order(own)
            both = learned_weights(self._weights, fusion, self._graph, text)
            scored = ScoredNote(side.note, side.ranked, side.ranked, text, side.count)
            ways = ways_of(scored, self._weights, self._shown_as)
            ways[AS_SHIPPED] = ways[FUSED]
            ways[FUSED] = ways_of(scored, self._weights, self._shown_as, both=both)[FUSED]
            for way in SHOWN:
                found[way].append(outcome_of(ways[way].shown, truths))
        return found

    def taught(self, task: "LearningTask") -> "LearningTask":
        """The task with what the trainer is told of each patient beside her text, as `train` tells it."""
        if not task.told or task.start.scope != "head":
            return task
        patients = tuple(
            replace(patient, beside=self._beside(side))
            for patient, side in zip(task.patients, self.sides(task.told), strict=True)
        )
        led = leader_rows(self._shown_as, self._rows, self._labels)
        return replace(task, patients=patients, start=replace(task.start, leaders=led))

    def _beside(self, side: NoteSide) -> Beside | None:
        if not side.count:
            return None
        summed = self._weights.of_graph(side.count, with_text=True) * side.ranked.astype(np.float64)
        own = self._graph.disease_number(side.note.truths[0])
        text_weight = self._weights.of_text_model(with_graph=True)
        return beside_of(summed, self._rows, own=own, text_weight=text_weight)

    def _side(self, note: KnownNote) -> NoteSide:
        findings = read_findings(self._recogniser, note.text, age_days=note.age_days)
        return NoteSide(note, ranked_unseen(self._dropped, note, findings), observed_count(findings))

    def _in_graph_order(self, logits: Scores) -> Scores:
        """Log probabilities; a disease that the model lacks has their mean, as any note's in `evaluate`."""
        most = logits.max()
        told = logits - most - np.log(np.exp(logits - most).sum())
        placed: Scores = np.where(self._rows < 0, told.mean(), told[self._rows]).astype(np.float32)
        return placed


def told_ways(name: str, outcomes: Outcomes) -> dict[str, object]:
    """Top-1 and top-10 of all diseases in per cent, with 95 % intervals.

    Of the first disease's probability the calibration error, what chance alone gives, and Brier's score.
    """
    found: dict[str, object] = {}
    for way, its in outcomes.items():
        if its:
            counted = accuracy(its)
            for top, share in ((1, counted.top1), (10, counted.top10)):
                low, high = (100 * end for end in interval(share, counted.n))
                found[f"{name}, {way}, top-{top}"] = f"{100 * share:.1f} ({low:.1f} to {high:.1f})"
            found[f"{name}, {way}, calibration error"] = f"{counted.ece:.3f} (by chance {counted.noise:.3f})"
            found[f"{name}, {way}, Brier's score"] = f"{counted.brier:.3f}"
    return found

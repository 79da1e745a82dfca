"""Text, graph and both fused on a task's new notes, model by model; the graph's side is read once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.workflows.evaluate_notes import (
    FUSED,
    GRAPH,
    TEXT,
    Outcome,
    ScoredNote,
    accuracy,
    outcome_of,
    ways_of,
)
from app.workflows.suggest_findings import build_recogniser, read_findings
from app.workflows.write_notes import KnownNote
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.rank import rank
from ml.evaluation.share import interval
from ml.recognition.recogniser import Recogniser

SHOWN = (TEXT, GRAPH, FUSED)
Scores = np.ndarray[Any, np.dtype[np.float32]]
Outcomes = dict[str, list[Outcome]]


class NoteWays:
    """Notes whose findings have been read, for the logits of one model after another."""

    def __init__(
        self, graph: CompiledGraph, labels: Sequence[str], notes: Sequence[KnownNote], cache_dir: Path
    ) -> None:
        self._graph, self._shown_as = graph, leaders(graph)
        rows = {label: row for row, label in enumerate(labels)}
        self._rows = np.array([rows.get(disease, -1) for disease in graph.disease_ids])
        recogniser = build_recogniser(graph, cache_dir) if notes else None
        self._sides = [(note, *self._graph_side(recogniser, note)) for note in notes if recogniser]

    def outcomes(self, logits: Scores) -> Outcomes:
        """By way, of every note; `logits` (notes, labels) are one model's."""
        found: Outcomes = {way: [] for way in SHOWN}
        for (note, ranked, count), own in zip(self._sides, logits, strict=True):
            truths = [int(self._shown_as[self._graph.disease_number(truth)]) for truth in note.truths]
            scored = ScoredNote(note, ranked, ranked, self._in_graph_order(own), count)
            ways = ways_of(scored, FusionWeights.load(), self._shown_as)
            for way in SHOWN:
                found[way].append(outcome_of(ways[way].shown, truths))
        return found

    def _graph_side(self, recogniser: Recogniser, note: KnownNote) -> tuple[Any, int]:
        findings = read_findings(recogniser, note.text, age_days=note.age_days)
        ranked = rank(self._graph, findings, sex=note.sex, age_days=note.age_days).total
        return ranked, observed_count(findings)

    def _in_graph_order(self, logits: Scores) -> Scores:
        """Log probabilities; a disease that the model lacks has their mean, as any note's in `evaluate`."""
        most = logits.max()
        told = logits - most - np.log(np.exp(logits - most).sum())
        placed: Scores = np.where(self._rows < 0, told.mean(), told[self._rows]).astype(np.float32)
        return placed


def told_ways(name: str, outcomes: Outcomes) -> dict[str, object]:
    """Top-1 and top-10 of all diseases in per cent, with 95 % intervals, and the calibration error."""
    found: dict[str, object] = {}
    for way, its in outcomes.items():
        if its:
            counted = accuracy(its)
            for top, share in ((1, counted.top1), (10, counted.top10)):
                low, high = (100 * end for end in interval(share, counted.n))
                found[f"{name}, {way}, top-{top}"] = f"{100 * share:.1f} ({low:.1f} to {high:.1f})"
            found[f"{name}, {way}, calibration error"] = f"{counted.ece:.3f} (by chance {counted.noise:.3f})"
    return found

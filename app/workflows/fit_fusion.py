"""Learns the fusion's weights on published cases, told as notes, and on synthetic patients; cross-validates.

Folds are made by disease: no disease is both learned from and measured on. There are three sources: synthetic
patients, published cases, and the same cases without their own article. These are what a new patient is, and
count half as much again as each of the others (IMPORTANCE). The graph ranks each by looks that have not seen
its disease. What findings count alone is learned from cases: synthetic patients are just as the knowledge
says, which no person is.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.errors import UsageError
from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_cases import Case, origin_of
from app.workflows.evaluate_notes import Report, ScoredNote, Tally, score_notes
from app.workflows.fit_reranking import taught_cases
from app.workflows.fit_sureness import SurenessFit, powers_remark
from app.workflows.write_notes import (
    FIT_STYLE,
    SYNTHETIC,
    UNSEEN,
    counts_as,
    published_notes,
    synthetic_notes,
)
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fusion_fitting import START, FusionCases, fit_fusion
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.fusion.same_disease import leaders
from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.compiled_graph import CompiledGraph

FOLDS = 5
IMPORTANCE = {UNSEEN: 1.5}
Progress = Callable[..., None]


@dataclass(frozen=True, slots=True)
class FusionFit:
    """The weights from all notes; accuracies from folds that had not seen their disease."""

    weights: FusionWeights
    notes: int
    held_out: Report


def learn_fusion(
    service: DiagnosisService, cases: Iterable[Case], *, count: int, seed: int, progress: Progress
) -> FusionFit:
    """Fit on `count` cases and as many synthetic patients. Raises UsageError where there are too few."""
    rng = np.random.default_rng([seed, 1])
    graph = service.graph
    progress(f"reading {count} notes of each kind")
    notes = [
        *published_notes(graph, taught_cases(graph, cases), count=count, styles=(FIT_STYLE,), rng=rng),
        *synthetic_notes(graph, count=count, styles=(FIT_STYLE,), rng=rng),
    ]
    if len({n.truths[0] for n in notes if n.source != SYNTHETIC}) < FOLDS:
        raise UsageError(f"the cases name fewer than {FOLDS} diseases of this knowledge; bring more")
    scored = [s for s in score_notes(service, notes) if s.read_count]
    progress("fitting on all notes")
    weights = _fitted(graph, scored, START)
    return FusionFit(weights, len(scored), _cross_validated(graph, scored, weights, progress))


def write_fusion_weights(
    path: Path, fit: FusionFit, sureness: SurenessFit, *, cases: Path, knowledge: str
) -> None:
    """Write the weights, their powers learned, with where they come from."""
    remarks = (
        "What graph and text count in a differential: knowledge_graph/fusion/fusion_weights.py.\n"
        f"Learned on {fit.notes} notes: cases ({origin_of(cases)})\n"
        f"in synthetic words, and synthetic patients; HPO {knowledge}.\n"
        f"{powers_remark(sureness)}\n"
        "Chosen, not learned: text_unread, prior, abstain_below.\n"
        "Rebuild: anamnesis evaluate --cases F --fit-fusion resources/fusion/weights.toml\n"
        "The powers alone: anamnesis evaluate --fit-powers resources/fusion/weights.toml"
    )
    path.write_text(sureness.weights.to_text(remarks), "utf-8")


def _fitted(graph: CompiledGraph, scored: Sequence[ScoredNote], start: FusionWeights) -> FusionWeights:
    """Cases whose article is unknown stand among the published ones, and once more among those without."""
    doubled = [(s, source) for s in scored for source in counts_as(s.note.source)]
    cases = [(s, source) for s, source in doubled if source != SYNTHETIC]
    return fit_fusion(
        _cases(graph, cases, [(s.given, observed_count(s.note.findings)) for s, _ in cases]),
        _cases(graph, doubled, [(s.read, s.read_count) for s, _ in doubled]),
        start=start,
    )


def _cases(
    graph: CompiledGraph, scored: Sequence[tuple[ScoredNote, str]], said: Sequence[tuple[Floats, int]]
) -> FusionCases:
    """Notes with their sources; what the graph says of each, of how many observed findings."""
    return FusionCases(
        graph=np.stack([scores for scores, _ in said]),
        text=np.stack([s.text for s, _ in scored]),
        observed=np.array([observed for _, observed in said]),
        truth=np.array([graph.disease_number(s.note.truths[0]) for s, _ in scored]),
        sources=[source for _, source in scored],
        shown_as=leaders(graph),
        importance=IMPORTANCE,
    )


def _cross_validated(
    graph: CompiledGraph, scored: Sequence[ScoredNote], start: FusionWeights, progress: Progress
) -> Report:
    diseases = sorted({s.note.truths[0] for s in scored})
    fold = {disease: place % FOLDS for place, disease in enumerate(diseases)}
    tally = Tally(graph)
    for held in range(FOLDS):
        progress(f"cross-validating, fold {held + 1} of {FOLDS}")
        weights = _fitted(graph, [s for s in scored if fold[s.note.truths[0]] != held], start)
        for one in scored:
            if fold[one.note.truths[0]] == held:
                tally.count(one, weights)
    return tally.report()

"""Measures a diagnosis service on held-out synthetic patients: public by birth, so nothing is spent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_notes import FUSED, TEXT, evaluate_notes
from app.workflows.write_notes import SYNTHETIC, KnownNote, synthetic_notes
from knowledge_graph.cohort.note_style import read_note_styles
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId


@dataclass(frozen=True, slots=True)
class TopK:
    """Shares of patients (0 to 1) whose disease is among the first, of all diseases of the graph."""

    n: int
    text_top1: float
    text_top5: float
    fused_top1: float
    fused_top5: float
    fused_top10: float


def held_out_notes(
    graph: CompiledGraph, diseases: Sequence[DiseaseId], *, count: int, rng: np.random.Generator
) -> list[KnownNote]:
    """New patients of the same diseases, who are in no vault; notes of every style."""
    styles = [style.name for style in read_note_styles()]
    return list(synthetic_notes(graph, count=count, styles=styles, rng=rng, diseases=diseases))


def measure_model(service: DiagnosisService, notes: Sequence[KnownNote]) -> TopK:
    """How often the text model alone and the fused differential name the disease."""
    ways = evaluate_notes(service, notes)[SYNTHETIC]
    text, fused = ways[TEXT], ways[FUSED]
    return TopK(text.n, text.top1, text.top5, fused.top1, fused.top5, fused.top10)

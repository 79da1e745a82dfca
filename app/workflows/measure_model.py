"""Measures a diagnosis service on held-out synthetic patients: public by birth, so nothing is spent."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.workflows.diagnose import DiagnosisService
from app.workflows.suggest_findings import is_about_patient
from knowledge_graph.cohort.note_style import read_note_styles
from knowledge_graph.cohort.note_writing import choose_style, write_note
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.cohort.wording import graph_term_names
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.fusion.fused_differential import FusionWeights, fuse
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.rank import rank
from knowledge_graph.terms.term import DiseaseId, TermId


@dataclass(frozen=True, slots=True)
class HeldOutNote:
    """A note of a synthetic patient who is in no vault, and the truth."""

    text: str
    sex: Sex
    age_days: int
    disease_id: DiseaseId


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
) -> list[HeldOutNote]:
    """New patients of the same diseases."""
    names, styles = graph_term_names(graph), read_note_styles()
    return [
        HeldOutNote(
            write_note(p, names, rng=rng, style=choose_style(styles, rng)).text,
            p.sex,
            p.age_days,
            p.disease_id,
        )
        for p in sample_patients(graph, count=count, rng=rng, diseases=diseases)
    ]


def measure_model(service: DiagnosisService, notes: Sequence[HeldOutNote]) -> TopK:
    """How often the text model alone and the fused differential name the disease."""
    weights = FusionWeights.load()
    ranks = np.array([_ranks(service, note, weights) for note in notes]).reshape(-1, 2)
    text, fused = ranks[:, 0], ranks[:, 1]
    return TopK(
        n=len(notes),
        text_top1=_share(text, 1),
        text_top5=_share(text, 5),
        fused_top1=_share(fused, 1),
        fused_top5=_share(fused, 5),
        fused_top10=_share(fused, 10),
    )


def _ranks(service: DiagnosisService, note: HeldOutNote, weights: FusionWeights) -> tuple[int, int]:
    """The true disease's place by the text model, and after fusion."""
    graph = service.graph
    truth = graph.disease_number(note.disease_id)
    text = service.text_scores((note.text,))
    findings = tuple(
        Finding(TermId(m.term_id), FindingState(m.state))
        for m in service.recogniser.mentions(note.text)
        if is_about_patient(m)
    )
    scores = rank(graph, findings, sex=note.sex, age_days=note.age_days)
    prior = np.ones(len(graph.disease_ids))
    graph_score = scores.total if findings else None
    fused = fuse(graph_score, text, prior=prior, weights=weights, shown_as=service.shown_as)
    missed = len(graph.disease_ids)
    return (
        missed if text is None else _place(np.nan_to_num(text, nan=-np.inf), truth),
        _place(fused.shown, int(service.shown_as[truth])),
    )


def _place(scores: npt.NDArray[np.float64], truth: int) -> int:
    return 1 + int(np.sum(scores > scores[truth]))


def _share(ranks: npt.NDArray[np.int64], k: int) -> float:
    return float(np.mean(ranks <= k)) if len(ranks) else 0.0

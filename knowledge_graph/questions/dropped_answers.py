"""The model of answers as if publications were unknown: how questions fare on patients never seen."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats, Ints
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.questions.answer_model import LARGEST, AnswerModel
from knowledge_graph.ranking.dropped_publication import DroppedPublication


def answers_without(
    model: AnswerModel, dropped: DroppedPublication, references: set[str], shown_as: npt.NDArray[np.intp]
) -> AnswerModel:
    """A model of `dropped`'s graph without the rows of these publications; the background keeps its value."""
    graph = dropped.graph
    touched = dropped.diseases(references)
    if not touched:
        return model
    probability = model.probability.copy()
    for lead in {int(shown_as[disease]) for disease in touched}:
        entries = np.flatnonzero(model.disease == lead)
        terms = model.owner[entries]
        frequency = np.zeros(len(graph.term_ids), np.float32)
        for member in np.flatnonzero(shown_as == lead).tolist():
            shown, likely = (
                dropped.profile(member, references)[1] if member in touched else _own(graph, member)
            )
            frequency[shown] = np.maximum(frequency[shown], likely)
        probability[entries] = np.clip(frequency[terms], model.floor[terms], np.float32(LARGEST))
    return replace(model, probability=probability)


def _own(graph: CompiledGraph, disease: int) -> tuple[Ints, Floats]:
    """All terms that a disease shows, and how likely."""
    entries = np.flatnonzero(graph.profiles.disease == disease)
    terms = np.searchsorted(graph.profiles.indptr, entries, side="right") - 1
    return terms.astype(np.int32), graph.profiles.probability[entries]

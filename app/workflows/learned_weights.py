"""The fusion's weights for one patient, by what a model's patients told (`ml.training.fusion_looks`)."""

import numpy as np
import numpy.typing as npt

from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId
from ml.registry.training_result import LearnedFusion


def learned_weights(
    shipped: FusionWeights,
    fusion: LearnedFusion | None,
    graph: CompiledGraph,
    text: npt.NDArray[np.floating],
) -> FusionWeights:
    """As learned, as far as the text's log probabilities, in graph order, speak for a taught disease."""
    if fusion is None:
        return shipped
    if fusion.taught:
        numbers = [graph.disease_index.get(DiseaseId(label)) for label in fusion.taught]
        own = text[[number for number in numbers if number is not None]]
        fusion = fusion.held_to(float(np.nansum(np.exp(own.astype(np.float64)))))
    return shipped.learned(text=fusion.text, power=fusion.power)

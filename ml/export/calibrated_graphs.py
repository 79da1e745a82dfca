"""The graphs of one classifier in each precision, int8 fitted to what its layers read in public texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ml.export.fp16_graph import fp16_graph
from ml.export.input_spread import input_spreads
from ml.export.int8_graph import int8_graph
from ml.export.onnx_export import exported_twin
from ml.export.parity import rounding_deviation
from ml.inference.graph_template import GraphTemplate, assemble
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import Classifier

# Measured on 500 synthetic notes: 1 % of first diseases changed at 1.1 deviations, 0.5 % at 1.6.
DOUBT_IN_DEVIATIONS = 1.5


def calibrated_graphs(
    classifier: Classifier,
    tensors: Mapping[str, np.ndarray[Any, Any]],
    tokenizer: TextTokenizer,
    texts: Sequence[str],
) -> dict[str, GraphTemplate]:
    """The templates. They serve any weights of this shape; without texts int8 rounds layers as they are."""
    exported, fp32 = exported_twin(classifier)
    graphs = {"fp32": fp32, "fp16": fp16_graph(exported, fp32)}
    if not texts:
        return graphs | {"int8": int8_graph(fp32)}
    spreads = input_spreads(classifier, tokenizer, texts)
    once = int8_graph(fp32, spreads)
    doubt = 0.0
    if len(classifier.labels) > 1:
        deviation = rounding_deviation(classifier, assemble(once, tensors), tokenizer, texts=texts)
        doubt = DOUBT_IN_DEVIATIONS * deviation
    return graphs | {"int8": int8_graph(fp32, spreads, doubt=doubt)}

"""From a torch classifier to its ONNX graph without weights, in fp32.

The graph is exported (dynamo, eager attention, dynamic batch and sequence) from a twin with
random weights: every initializer is then the image of exactly one tensor, and no learned weight
touches the disk.
"""

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from ml.errors import ModelFileError
from ml.inference.graph_template import Fill, FillKind, GraphTemplate
from ml.training.classifier import Classifier

OPSET = 20
INPUT_NAMES = ("input_ids", "attention_mask", "position_ids")
OUTPUT_NAME = "logits"
_TWIN_SEED = 20


def exported_twin(classifier: Classifier) -> tuple[Any, GraphTemplate]:
    """A ModelProto of the twin, and the fp32 graph of every classifier of this shape, adapters and prefixes
    included. No weight is looked at.
    """
    twin = _random_twin(classifier)
    tensors = {name: value.numpy() for name, value in twin.state_dict().items()}
    exported = export_onnx(twin)
    return exported, _strip_weights(exported, tensors)


def export_onnx(classifier: Classifier) -> Any:
    """A ModelProto of the classifier, its weights inside."""
    # Each input its own tensor: torch would take a shared one for one and the same input.
    ids, mask = torch.ones((2, 8), dtype=torch.int64), torch.ones((2, 8), dtype=torch.int64)
    positions = torch.arange(8).unsqueeze(0).repeat(2, 1)
    batch, sequence = torch.export.Dim("batch"), torch.export.Dim("sequence", max=512)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            classifier,
            (ids, mask, positions),
            dynamo=True,
            input_names=list(INPUT_NAMES),
            output_names=[OUTPUT_NAME],
            dynamic_shapes=({0: batch, 1: sequence},) * len(INPUT_NAMES),
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise ModelFileError("torch could not export the model; install the pinned versions again")
    return program.model_proto


def _random_twin(like: Classifier) -> Classifier:
    generator = torch.Generator().manual_seed(_TWIN_SEED)
    twin = copy.deepcopy(like).eval()
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return twin


def _strip_weights(model: Any, tensors: Mapping[str, np.ndarray[Any, Any]]) -> GraphTemplate:
    by_size: dict[int, list[str]] = {}
    for name, value in tensors.items():
        by_size.setdefault(value.size, []).append(name)
    fills, kept = [], []
    for initializer in model.graph.initializer:
        array = numpy_helper.to_array(initializer)
        fill = _fill_for(initializer.name, array, {n: tensors[n] for n in by_size.get(array.size, ())})
        if fill is not None:
            fills.append(fill)
        else:
            kept.append(initializer)
    return GraphTemplate(graph_with(model, kept), tuple(fills))


def _fill_for(name: str, array: Any, candidates: Mapping[str, Any]) -> Fill | None:
    for source, tensor in candidates.items():
        if array.shape == tensor.shape and np.array_equal(array, tensor):
            return Fill(name, source, FillKind.FLOAT)
        if array.shape == tensor.T.shape and np.array_equal(array, tensor.T):
            return Fill(name, source, FillKind.FLOAT, transpose=True)
    return None


def graph_with(model: Any, initializers: Sequence[Any]) -> bytes:
    """The graph alone with these initializers: nothing is told of where its nodes came from."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.initializer[:]
    bare.graph.initializer.extend(initializers)
    del bare.graph.value_info[:]
    del bare.metadata_props[:]
    for node in bare.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    data: bytes = bare.SerializeToString(deterministic=True)
    return data

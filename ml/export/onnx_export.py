"""From a torch classifier to ONNX graphs without weights, in fp32 and int8.

The graph is exported (dynamo, eager attention, dynamic batch and sequence) from a twin with
random weights: every initializer is then the image of exactly one tensor, and no learned weight
touches the disk. onnxruntime's quantizer turns the twin's graph into the int8 one.
"""

import copy
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from ml.errors import ModelFileError
from ml.inference.graph_template import Fill, FillKind, GraphTemplate
from ml.training.classifier import Classifier

OPSET = 20
INPUT_NAMES = ("input_ids", "attention_mask", "position_ids")
OUTPUT_NAME = "logits"
_TWIN_SEED = 20
_TRANSPOSED = "_Transposed"


def export_graphs(
    encoder_config: Mapping[str, Any], labels: Sequence[str], *, classifier: Classifier | None = None
) -> dict[str, GraphTemplate]:
    """The fp32 and int8 graphs of every classifier of this shape, or of one like `classifier`.

    A classifier may have adapters or prefixes; its weights are not looked at.
    """
    twin = _random_twin(classifier if classifier is not None else Classifier(encoder_config, labels))
    tensors = {name: value.numpy() for name, value in twin.state_dict().items()}
    model = export_onnx(twin)
    fp32 = _strip_weights(model, tensors)
    return {"fp32": fp32, "int8": _strip_quantised(quantised(model), fp32.fills)}


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


def quantised(model: Any) -> Any:
    """The model with dynamic int8 weights, symmetric per channel."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.value_info[:]  # stale shapes make the quantizer skip matrices
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(copy, path, weight_type=QuantType.QInt8, per_channel=True)
        return onnx.load(path)


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
    return GraphTemplate(_graph_with(model, kept), tuple(fills))


def _fill_for(name: str, array: Any, candidates: Mapping[str, Any]) -> Fill | None:
    for source, tensor in candidates.items():
        if array.shape == tensor.shape and np.array_equal(array, tensor):
            return Fill(name, source, FillKind.FLOAT)
        if array.shape == tensor.T.shape and np.array_equal(array, tensor.T):
            return Fill(name, source, FillKind.FLOAT, transpose=True)
    return None


def _strip_quantised(model: Any, floats: Sequence[Fill]) -> GraphTemplate:
    by_name = {fill.name: fill for fill in floats}
    arrays = {i.name: i for i in model.graph.initializer}
    fills: list[Fill] = []
    for name in arrays:
        if name in by_name:
            fills.append(by_name[name])
        elif name.endswith("_quantized"):
            scale = numpy_helper.to_array(arrays[name.removesuffix("_quantized") + "_scale"])
            fills.append(
                _quantised_fill(name.removesuffix("_quantized"), by_name, per_column=scale.ndim == 1)
            )
    filled = {n for f in fills for n in (f.name, f.scale_name, f.zero_point_name)}
    return GraphTemplate(_graph_with(model, [i for n, i in arrays.items() if n not in filled]), tuple(fills))


def _quantised_fill(stem: str, floats: Mapping[str, Fill], *, per_column: bool) -> Fill:
    turned = stem.endswith(_TRANSPOSED) and stem not in floats
    origin = floats[stem.removesuffix(_TRANSPOSED) if turned else stem]
    return Fill(
        name=f"{stem}_quantized",
        source=origin.source,
        kind=FillKind.COLUMNS if per_column else FillKind.TENSOR,
        transpose=origin.transpose != turned,
        scale_name=f"{stem}_scale",
        zero_point_name=f"{stem}_zero_point",
    )


def _graph_with(model: Any, initializers: Sequence[Any]) -> bytes:
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

"""Makes the fp16 graph for a graphics card from the fp32 one: operators fused, the encoder in half precision.

The fusions (attention, skip layer normalisation, biased Gelu) are onnxscript's for ONNX Runtime, the
conversion is ONNX Runtime's own. Pooling and head stay fp32: they are a small part of the work, and half
precision would take a hundredth from every logit there.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx_ir
from onnx import TensorProto
from onnx.utils import Extractor
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxscript.rewriter.ort_fusions import optimize_for_ort

from ml.errors import ModelFileError
from ml.export.onnx_export import graph_with
from ml.inference.graph_template import FillKind, GraphTemplate

_NORMALISATIONS = ("SkipLayerNormalization", "LayerNormalization")
_LARGEST_CONSTANT = 64  # numbers: what is larger is a weight


def fp16_graph(exported: Any, fp32: GraphTemplate) -> GraphTemplate:
    """The fp16 template, from the exported twin (`exported_twin`) that the fp32 one was made of.

    Raises ModelFileError where a fusion leaves a weight that is no tensor's.
    """
    fused, _ = optimize_for_ort(onnx_ir.from_proto(exported))
    return _without_weights(_encoder_halved(onnx_ir.to_proto(fused)), fp32)


def _encoder_halved(model: Any) -> Any:
    """The model with all up to the last hidden states in half precision, those cast back for the rest."""
    names = [i.name for i in model.graph.input]
    last = [node for node in model.graph.node if node.op_type in _NORMALISATIONS][-1].output[0]
    encoder = convert_float_to_float16(
        Extractor(model).extract_model(names, [last]), keep_io_types=True, op_block_list=[]
    )
    made = {name for node in encoder.graph.node for name in node.output}
    rest = [node for node in model.graph.node if not made & set(node.output)]
    read = {name for node in rest for name in node.input}
    held = {i.name for i in encoder.graph.initializer}
    shared = [i for i in model.graph.initializer if i.name in read and i.name not in held]
    encoder.graph.node.extend(rest)
    encoder.graph.initializer.extend(shared)
    del encoder.graph.output[:], encoder.graph.value_info[:]
    encoder.graph.output.extend(model.graph.output)
    return encoder


def _without_weights(model: Any, fp32: GraphTemplate) -> GraphTemplate:
    known = {fill.name: fill for fill in fp32.fills}
    kinds = {TensorProto.FLOAT: FillKind.FLOAT, TensorProto.FLOAT16: FillKind.HALF}
    fills, kept = [], []
    for initializer in model.graph.initializer:
        fill = known.get(initializer.name)
        if fill is not None:
            fills.append(replace(fill, kind=kinds[initializer.data_type]))
        elif np.prod(initializer.dims) <= _LARGEST_CONSTANT:
            kept.append(initializer)
        else:
            raise ModelFileError(f"the fp16 graph holds a weight, {initializer.name}, that no tensor gives")
    return GraphTemplate(graph_with(model, kept), tuple(fills))

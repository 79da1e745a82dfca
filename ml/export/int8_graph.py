"""Makes the int8 graph from the fp32 one: both are templates, no weight is looked at.

A linear layer y = W x + b of the encoder becomes

    z = t (x - m)                        m, t: of the input's channels, the same for every text
    k = 127 / max |z|                    one number for each token
    y = (round(k z) . Q) s / k + b'      Q s is about W / t, with a scale s for each output

so no token's rounding depends on another's, and a channel's mean is never rounded: b' = b + W m. `t` is
SmoothQuant's (Xiao et al. 2022, arXiv 2211.10438), from deviations. After Gelu nothing lies under -0.17:
there m = -0.17 and all of uint8 is used. The head is rounded like a layer, the words' embeddings by rows;
what training added to the encoder stays fp32.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ml.export.input_spread import InputSpread
from ml.export.second_reading import FIRST_LOGITS, second_reading
from ml.inference.graph_template import Fill, FillKind, GraphTemplate

SMOOTHING, SMOOTHING_AFTER_GELU = 0.65, 0.5
LEAST_OF_GELU = -0.17
LINEAR = re.compile(
    r"encoder\.encoder\.layer\.\d+\."
    r"(attention\.self\.(query|key|value)|attention\.output\.dense|intermediate\.dense|output\.dense)\.weight"
)
_WORDS, _HEAD = "encoder.embeddings.word_embeddings.weight", "head.weight"
_FUSED = "com.microsoft"
_SIGNED, _UNSIGNED = 127, 255
_ONE, _TINY, _LAST_AXIS = "int8.one", "int8.tiny", "int8.last_axis"
# Where no window is in doubt the head reads no rows, and ONNX Runtime 1.31, the newest with CUDA, gives their
# maximum over the last axis a wrong shape, but over the second the right one.
_SECOND_AXIS = "int8.second_axis"
_NUMBERS: dict[str, Any] = {
    _ONE: np.float32(1),
    _TINY: np.float32(1e-30),
    _LAST_AXIS: np.array([-1], np.int64),
    _SECOND_AXIS: np.array([1], np.int64),
    f"int8.most.{_SIGNED}": np.float32(_SIGNED),
    f"int8.most.{_UNSIGNED}": np.float32(_UNSIGNED),
    f"int8.zero.{_SIGNED}": np.uint8(128),
    f"int8.zero.{_UNSIGNED}": np.uint8(0),
}


def int8_graph(
    fp32: GraphTemplate, spreads: Mapping[str, InputSpread] | None = None, *, doubt: float = 0.0
) -> GraphTemplate:
    """The int8 template. Layers whose input's spread is not known are rounded as they are.

    A window whose first two logits are nearer than `doubt` is read again with fp32 layers.
    """
    model = onnx.load_model_from_string(fp32.graph)
    rewriting = _Rewriting(fp32.fills, spreads or {}, model)
    nodes = [node for old in model.graph.node for node in rewriting.rewritten(old)]
    numbers = dict(_NUMBERS)
    if doubt > 0:
        (logits,) = (output.name for output in model.graph.output)
        _rename_output(nodes, logits, FIRST_LOGITS)
        again, more = second_reading(model, doubt)
        numbers |= more
        nodes += [node for old in again for node in rewriting.with_rounded_head(old)]
    return _template(model, nodes, [*fp32.fills, *rewriting.fills], rewriting.vectors, numbers)


def _template(
    model: Any,
    nodes: Sequence[Any],
    fills: Sequence[Fill],
    vectors: dict[str, bytes],
    numbers: dict[str, Any],
) -> GraphTemplate:
    used = {name for node in nodes for name in node.input}
    kept = [i for i in model.graph.initializer if i.name in used]
    kept += [numpy_helper.from_array(np.asarray(v), n) for n, v in numbers.items() if n in used]
    del model.graph.node[:], model.graph.initializer[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(kept)
    model.opset_import.append(helper.make_opsetid(_FUSED, 1))
    wanted = {fill.name: fill for fill in fills if fill.name in used}
    return GraphTemplate(model.SerializeToString(deterministic=True), tuple(wanted.values()), vectors)


def _rename_output(nodes: Sequence[Any], old: str, new: str) -> None:
    for node in nodes:
        for place, name in enumerate(node.output):
            if name == old:
                node.output[place] = new


class _Rewriting:
    """Walks the nodes in their order and gathers the fills and vectors of what it puts in."""

    def __init__(self, fills: Sequence[Fill], spreads: Mapping[str, InputSpread], model: Any):
        self.fills: list[Fill] = []
        self.vectors: dict[str, bytes] = {}
        self._floats = {fill.name: fill for fill in fills}
        self._spreads = spreads
        self._after_gelu = {o for node in model.graph.node if node.op_type == "Gelu" for o in node.output}
        self._readers: dict[str, list[str]] = {}
        for node in model.graph.node:
            if self._is_linear(node):
                self._readers.setdefault(node.input[0], []).append(self._source(node.input[1]))
        self._rounded: set[str] = set()
        self._unbiased: dict[str, Fill] = {}

    def rewritten(self, node: Any) -> Iterator[Any]:
        """What takes the node's place."""
        if self._is_linear(node):
            yield from self._linear(node)
        elif node.op_type == "Gather" and self._source(node.input[0]) == _WORDS:
            yield from self._embedding(node)
        elif node.op_type == "Add" and any(name in self._unbiased for name in node.input):
            yield self._with_new_bias(node)
        else:
            yield from self.with_rounded_head(node)

    def with_rounded_head(self, node: Any) -> Iterator[Any]:
        """The node, or what takes its place if it is the head."""
        if node.op_type != "Gemm" or self._source(node.input[1]) != _HEAD:
            yield node
            return
        states, weight, bias = node.input
        (logits,) = node.output
        matrix = Fill(weight, _HEAD, FillKind.COLUMNS, transpose=True)  # Gemm turns it, MatMul does not
        yield from _rounding(states, "", "", most=_SIGNED, axis=_SECOND_AXIS)
        yield from self._product(matrix, states, f"{logits}.unbiased", "", most=_SIGNED)
        yield helper.make_node("Add", [f"{logits}.unbiased", bias], [logits])

    def _source(self, name: str) -> str:
        return self._floats[name].source if name in self._floats else ""

    def _is_linear(self, node: Any) -> bool:
        return node.op_type == "MatMul" and LINEAR.fullmatch(self._source(node.input[1])) is not None

    def _linear(self, node: Any) -> Iterator[Any]:
        states, weight = node.input
        most = _UNSIGNED if states in self._after_gelu else _SIGNED
        shift, factor, mean = self._vectors_of(states)
        if not shift:
            most = _SIGNED
        if states not in self._rounded:
            self._rounded.add(states)
            yield from _rounding(states, shift, factor, most=most)
        if shift:
            self._unbiased[node.output[0]] = Fill(
                "", "", FillKind.BIAS, weight=self._source(weight), shift=shift, mean=mean, factor=factor
            )
        yield from self._product(self._floats[weight], states, node.output[0], factor, most=most)

    def _vectors_of(self, states: str) -> tuple[str, str, str]:
        """Names of m, of t and of the mean of an input; empty where its spread is not known."""
        readers = self._readers[states]
        spread = self._spreads.get(readers[0])
        if spread is None:
            return "", "", ""
        shift, factor, mean = (f"{states}.{vector}" for vector in ("shift", "factor", "mean"))
        after_gelu = states in self._after_gelu
        exponent = SMOOTHING_AFTER_GELU if after_gelu else SMOOTHING
        largest = np.max([self._spreads[r].largest_weight for r in readers], axis=0)
        self._keep(factor, _factor(spread.deviation, largest, exponent))
        if not after_gelu:
            self._keep(shift, spread.mean)
            return shift, factor, shift
        self._keep(shift, np.full(spread.mean.shape, LEAST_OF_GELU))
        self._keep(mean, spread.mean)
        return shift, factor, mean

    def _keep(self, name: str, vector: Any) -> None:
        if name not in self.vectors:
            self.vectors[name] = vector.astype("<f2").tobytes()
            self.fills.append(Fill(name, name, FillKind.FLOAT))

    def _product(self, matrix: Fill, states: str, output: str, factor: str, *, most: int) -> Iterator[Any]:
        rounded, scale, whole = f"{matrix.name}.int8", f"{matrix.name}.scale", f"{output}.whole"
        self.fills += [
            Fill(rounded, matrix.source, FillKind.COLUMNS, matrix.transpose, scale_name=scale, factor=factor)
        ]
        inputs = [f"{states}.rounded", rounded, _ONE, scale, f"int8.zero.{most}"]
        yield helper.make_node("MatMulIntegerToFloat", inputs, [whole], domain=_FUSED)
        yield helper.make_node("Div", [whole, f"{states}.steps"], [output])

    def _embedding(self, node: Any) -> Iterator[Any]:
        weight, ids = node.input
        rows, scale = f"{weight}.int8", f"{weight}.scale"
        self.fills.append(Fill(rows, _WORDS, FillKind.ROWS, scale_name=scale))
        taken = [f"{node.output[0]}.{part}" for part in ("int8", "float", "scale")]
        yield helper.make_node("Gather", [rows, ids], taken[:1])
        yield helper.make_node("Cast", taken[:1], taken[1:2], to=onnx.TensorProto.FLOAT)
        yield helper.make_node("Gather", [scale, ids], taken[2:])
        yield helper.make_node("Mul", taken[1:], list(node.output))

    def _with_new_bias(self, node: Any) -> Any:
        (product,) = (name for name in node.input if name in self._unbiased)
        (bias,) = (name for name in node.input if name in self._floats)
        self.fills.append(replace(self._unbiased[product], name=f"{bias}.int8", source=self._source(bias)))
        return helper.make_node("Add", [product, f"{bias}.int8"], list(node.output))


def _rounding(states: str, shift: str, factor: str, *, most: int, axis: str = _LAST_AXIS) -> Iterator[Any]:
    """From float states to whole numbers, `.rounded`, and for each token how many of them make one."""
    value = states
    for operation, vector in (("Sub", shift), ("Mul", factor)):
        if vector:
            yield helper.make_node(operation, [value, vector], [f"{vector}.done"])
            value = f"{vector}.done"
    size = value
    if most == _SIGNED:
        size = f"{states}.size"
        yield helper.make_node("Abs", [value], [size])
    names = [f"{states}.{part}" for part in ("largest", "bounded", "steps", "scaled", "rounded")]
    yield helper.make_node("ReduceMax", [size, axis], names[:1], keepdims=1)
    yield helper.make_node("Max", [names[0], _TINY], names[1:2])
    yield helper.make_node("Div", [f"int8.most.{most}", names[1]], names[2:3])
    yield helper.make_node("Mul", [value, names[2]], names[3:4])
    yield helper.make_node("QuantizeLinear", [names[3], _ONE, f"int8.zero.{most}"], names[4:])


def _factor(deviation: Any, largest_weight: Any, exponent: float) -> Any:
    """1 / s of SmoothQuant; its median is 1."""
    channels, weights = np.maximum(deviation, 1e-4), np.maximum(largest_weight, 1e-4)
    factor = weights ** (1 - exponent) / channels**exponent
    return np.clip(factor / np.median(factor), 1e-3, 1e3)

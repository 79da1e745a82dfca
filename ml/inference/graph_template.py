"""An ONNX graph without its weights, and how to put them back.

Every version of one classifier has the same graph; only tensors differ. So a version keeps the
graph once (some kilobytes) and its changed tensors, and the whole model is assembled in memory.
In protobuf, bytes appended to a message merge into it: weights are appended as initializers.

int8 weights are symmetric, with a scale for each column or row. A whole tensor as uint8 with one zero
point is what versions have that an earlier program published.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np

from ml.errors import ModelFileError
from ml.frames import UNDECODABLE
from ml.inference.protobuf_wire import write_bytes, write_number

_GRAPH, _INITIALIZER = 7, 5
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9
_ONNX_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "float16": 10}
_MAX_GRAPH_BYTES = 64 << 20

Array = np.ndarray[Any, Any]


class FillKind(StrEnum):
    """How an initializer is made from its tensor."""

    FLOAT = "float"
    HALF = "half"
    COLUMNS = "int8-columns"
    ROWS = "int8-rows"
    BIAS = "shifted-bias"
    TENSOR = "uint8-tensor"


@dataclass(frozen=True, slots=True)
class Fill:
    """One tensor's place. A quantised one also fills its scale and, where it has one, its zero point.

    `factor` names the vector that each row of a matrix is divided by. A `BIAS` belongs to the layer whose
    tensor is `weight`: see `shifted_bias`.
    """

    name: str
    source: str
    kind: FillKind
    transpose: bool = False
    scale_name: str = ""
    zero_point_name: str = ""
    factor: str = ""
    weight: str = ""
    shift: str = ""
    mean: str = ""


@dataclass(frozen=True, slots=True)
class GraphTemplate:
    """The graph's bytes, its fills, and vectors (float16) that belong to the graph and serve any weights."""

    graph: bytes
    fills: tuple[Fill, ...]
    vectors: dict[str, bytes] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Packed for a version's file."""
        return zlib.compress(msgspec.msgpack.encode(self), 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> "GraphTemplate":
        """Read it back; refuses anything of another shape."""
        try:
            unpacker = zlib.decompressobj()
            plain = unpacker.decompress(data, _MAX_GRAPH_BYTES)
            return msgspec.msgpack.decode(plain, type=cls)
        except (zlib.error, *UNDECODABLE):
            raise ModelFileError("the model's graph file cannot be read; roll back to another") from None


def assemble(template: GraphTemplate, tensors: Mapping[str, Array]) -> bytes:
    """The whole ONNX model. The same template and tensors always give the same bytes.

    Raises ModelFileError where a tensor is missing, or has no place in the graph: the model would run
    without what was learned.
    """
    parts = [template.graph]
    whole = dict(tensors) | {name: _vector(data) for name, data in template.vectors.items()}
    placed: set[str] = set()
    for fill in template.fills:
        for source in filter(None, (fill.source, fill.factor, fill.weight, fill.shift, fill.mean)):
            if source not in whole:
                raise ModelFileError(f"the model lacks the tensor {source}; roll back to another")
            placed.add(source)
        for name, array in _filled(fill, whole):
            parts.append(_as_initializer(name, array))
    if left := sorted(set(tensors) - placed):
        raise ModelFileError(f"the model's graph has no place for the tensor {left[0]}; roll back to another")
    return b"".join(parts)


def _vector(data: bytes) -> Array:
    if len(data) % 2:
        raise ModelFileError("the model's graph file cannot be read; roll back to another")
    return np.frombuffer(data, "<f2").astype(np.float32)


def _filled(fill: Fill, tensors: Mapping[str, Array]) -> Iterable[tuple[str, Array]]:
    tensor = tensors[fill.source]
    if fill.kind in (FillKind.FLOAT, FillKind.HALF):
        kept = tensor.T if fill.transpose else tensor
        return [(fill.name, kept if fill.kind is FillKind.FLOAT else kept.astype(np.float16))]
    if fill.kind is FillKind.BIAS:
        weight, shift = tensors[fill.weight], tensors[fill.shift]
        bias = shifted_bias(tensor, weight, shift, tensors.get(fill.mean), tensors.get(fill.factor))
        return [(fill.name, bias)]
    if fill.kind is FillKind.ROWS:
        rows, scale = quantise_columns(tensor.T)
        return [(fill.name, rows.T), (fill.scale_name, scale[:, np.newaxis])]
    if fill.kind is FillKind.TENSOR:
        quantised, scale, zero = quantise_tensor(tensor)
    else:
        matrix = tensor.T if fill.transpose else tensor
        quantised, scale = quantise_columns(
            matrix / tensors[fill.factor][:, np.newaxis] if fill.factor else matrix
        )
        zero = np.zeros(scale.shape, np.int8)
    found = [(fill.name, quantised), (fill.scale_name, scale), (fill.zero_point_name, zero)]
    return [(name, array) for name, array in found if name]


def shifted_bias(
    bias: Array, weight: Array, shift: Array, mean: Array | None = None, factor: Array | None = None
) -> Array:
    """What a rounded layer that reads x - shift adds, so that at x = mean it gives what the exact one gives.

    Summed in one order, so that every machine gets the same bytes.
    """
    total = bias.astype(np.float64)
    mean = shift if mean is None else mean
    for column, amount in zip(weight.T.astype(np.float64), mean.astype(np.float64), strict=True):
        total += column * amount
    if mean is not shift:
        matrix = weight.T if factor is None else weight.T / factor[:, np.newaxis]
        rounded, scale = quantise_columns(matrix)
        left = (mean.astype(np.float64) - shift) * (1 if factor is None else factor)
        for column, amount in zip(rounded.astype(np.float64) * scale, left, strict=True):
            total -= column * amount
    return total.astype(np.float32)


def quantise_columns(matrix: Array) -> tuple[Array, Array]:
    """int8 with one scale for each column, symmetric: `matrix` is about `quantised * scale`."""
    largest = np.abs(matrix).max(axis=0)
    scale = np.where(largest > 0, largest, np.float32(1)).astype(np.float32) / np.float32(127)
    return np.clip(np.rint(matrix / scale), -127, 127).astype(np.int8), scale


def quantise_tensor(tensor: Array) -> tuple[Array, Array, Array]:
    """uint8 with one scale and zero point: about `(quantised - zero) * scale`."""
    low, high = min(float(tensor.min()), 0.0), max(float(tensor.max()), 0.0)
    scale = np.float32((high - low) / 255 or 1.0)
    zero = np.float32(np.rint(-low / scale))
    quantised = np.clip(np.rint(tensor / scale) + zero, 0, 255).astype(np.uint8)
    return quantised, np.array(scale, np.float32), np.array(zero, np.uint8)


def _as_initializer(name: str, array: Array) -> bytes:
    """A ModelProto that holds nothing but this one initializer."""
    raw = np.ascontiguousarray(array).tobytes()
    tensor = b"".join(
        [
            *(write_number(_DIMS, size) for size in array.shape),
            write_number(_DATA_TYPE, _ONNX_TYPES[array.dtype.name]),
            write_bytes(_NAME, name.encode("utf-8")),
            write_bytes(_RAW_DATA, raw),
        ]
    )
    return write_bytes(_GRAPH, write_bytes(_INITIALIZER, tensor))

"""Refuses an ONNX model that would read other files.

ONNX Runtime follows external tensor data out of the model, also through hard links, so a model
that names any is never given to it.
"""

from ml.errors import ModelFileError
from ml.inference.protobuf_wire import BYTES, VARINT, read_fields

# Field numbers of onnx.proto: which fields of a message lead to messages that can hold tensors.
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_MAX_DEPTH = 32


def refuse_external_data(onnx: bytes) -> None:
    """Raise ModelFileError if any tensor of the model lies outside of it."""
    _walk(memoryview(onnx), "model", _MAX_DEPTH)


def _walk(message: memoryview, kind: str, depth: int) -> None:
    if depth == 0:
        raise ModelFileError("the ONNX model nests too deeply; publish the model again")
    below = _MESSAGES[kind]
    for number, wire, value in read_fields(message):
        if kind == "tensor" and _is_outside(number, wire, value):
            raise ModelFileError("the ONNX model reads tensors from other files; it is refused")
        if number in below and wire == BYTES and isinstance(value, memoryview):
            _walk(value, below[number], depth - 1)


def _is_outside(number: int, wire: int, value: int | memoryview) -> bool:
    return number == _EXTERNAL_DATA or (number == _DATA_LOCATION and wire == VARINT and value != 0)

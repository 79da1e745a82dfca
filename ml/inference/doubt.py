"""The doubt of an int8 model, to be set for each run.

Such a model reads a window again in fp32 where its first two logits are nearer than the doubt
(`ml/export/second_reading`). In a text of several windows that margin says little: what counts is the margin
of their mean. So whoever reads the text sets the doubt, and decides by the mean what is read again.
"""

import numpy as np

from ml.inference.protobuf_wire import BYTES, read_fields, write_bytes, write_number

DOUBT = "again.doubt"
NEVER, ALWAYS = -1.0, float("inf")  # a doubt under every margin, and one above
_GRAPH, _INITIALIZER, _INPUT = 7, 5, 11
_NAME, _RAW_DATA = 8, 9
_FLOAT = 1


def settable_doubt(onnx: bytes) -> tuple[bytes, float]:
    """The model with its doubt as an input that need not be given, and its own doubt; 0 where it has none."""
    doubt = _doubt_of(onnx)
    if doubt is None:
        return onnx, 0.0
    scalar = write_number(1, _FLOAT) + write_bytes(2, b"")
    declared = write_bytes(1, DOUBT.encode()) + write_bytes(2, write_bytes(1, scalar))
    return onnx + write_bytes(_GRAPH, write_bytes(_INPUT, declared)), doubt


def _doubt_of(onnx: bytes) -> float | None:
    for graph in _messages(memoryview(onnx), _GRAPH):
        for tensor in _messages(graph, _INITIALIZER):
            if any(bytes(name) == DOUBT.encode() for name in _messages(tensor, _NAME)):
                return float(np.frombuffer(next(iter(_messages(tensor, _RAW_DATA))), "<f4")[0])
    return None


def _messages(message: memoryview, wanted: int) -> list[memoryview]:
    return [
        value
        for number, wire, value in read_fields(message)
        if number == wanted and wire == BYTES and isinstance(value, memoryview)
    ]

"""Whether this processor adds up int8 products right.

Processors without VNNI (or its like) add pairs of uint8 x int8 products in 16 bits, and ONNX Runtime lets
them saturate in silence. A model in int8 would there be another function than the one that was measured.
"""

import numpy as np
import onnxruntime

from ml.inference.protobuf_wire import write_bytes, write_number

_TERMS, _LARGEST_A, _LARGEST_B = 64, 255, 127
_UINT8, _INT8, _INT32 = 2, 3, 6


def adds_int8_right() -> bool:
    """Multiply the largest numbers once and look at the sum."""
    session = onnxruntime.InferenceSession(_product_model(), providers=["CPUExecutionProvider"])
    found = session.run(
        None,
        {"a": np.full((1, _TERMS), _LARGEST_A, np.uint8), "b": np.full((_TERMS, 16), _LARGEST_B, np.int8)},
    )[0]
    return bool((found == _TERMS * _LARGEST_A * _LARGEST_B).all())


def _product_model() -> bytes:
    """An ONNX model of one MatMulInteger, written by its field numbers."""
    names = b"".join(write_bytes(number, name) for number, name in ((1, b"a"), (1, b"b"), (2, b"c")))
    node = names + write_bytes(4, b"MatMulInteger")
    values = ((11, b"a", _UINT8), (11, b"b", _INT8), (12, b"c", _INT32))
    graph = write_bytes(1, node) + write_bytes(2, b"product")
    graph += b"".join(write_bytes(number, _value(name, kind)) for number, name, kind in values)
    return write_number(1, 8) + write_bytes(7, graph) + write_bytes(8, write_number(2, 13))


def _value(name: bytes, kind: int) -> bytes:
    """A ValueInfoProto of a matrix of any size."""
    shape = write_bytes(1, write_bytes(2, b"m")) + write_bytes(1, write_bytes(2, b"n"))
    return write_bytes(1, name) + write_bytes(
        2, write_bytes(1, write_number(1, kind) + write_bytes(2, shape))
    )

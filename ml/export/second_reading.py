"""Nodes that read the windows in doubt a second time, with fp32 layers.

In doubt are those whose first two logits are nearer than the rounding can tell apart. They are picked out
of the batch, so the others do not wait; the embedding of the first reading and the head's int8 rows serve
both readings. Where no window is in doubt, the nodes run over an empty batch.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper

from ml.errors import ModelFileError
from ml.inference.doubt import DOUBT

FIRST_LOGITS = "logits.first"
_TWO, _LAST, _FIRST_AXIS = (f"again.{name}" for name in ("two", "last_axis", "first_axis"))
_ROWS = "again.rows"


def second_reading(model: Any, doubt: float) -> tuple[list[Any], dict[str, Any]]:
    """The nodes, which end in the fp32 model's output, and their constants."""
    numbers = {
        _TWO: np.array([2], np.int64),
        DOUBT: np.float32(doubt),
        _LAST: np.array([-1], np.int64),
        _FIRST_AXIS: np.array([0], np.int64),
    }
    states = next((n.output[0] for n in model.graph.node if n.op_type == "LayerNormalization"), None)
    if states is None:
        raise ModelFileError("the exported graph has no embedding; install the pinned versions again")
    return [*_doubtful_rows(), *_read_again(model, states)], numbers


def _doubtful_rows() -> Iterator[Any]:
    yield helper.make_node("TopK", [FIRST_LOGITS, _TWO], ["again.best", "again.places"])
    yield helper.make_node("Split", ["again.best"], ["again.most", "again.next"], axis=1, num_outputs=2)
    yield helper.make_node("Sub", ["again.most", "again.next"], ["again.margin"])
    yield helper.make_node("Less", ["again.margin", DOUBT], ["again.near"])
    yield helper.make_node("Squeeze", ["again.near", _LAST], ["again.near.row"])
    yield helper.make_node("NonZero", ["again.near.row"], ["again.found"])
    yield helper.make_node("Squeeze", ["again.found", _FIRST_AXIS], [_ROWS])


def _read_again(model: Any, states: str) -> Iterator[Any]:
    """Copies of the fp32 nodes behind `states`, over the rows in doubt, and their logits put in place."""
    (logits,) = (output.name for output in model.graph.output)
    renamed = {name: f"again.{name}" for name in (*(i.name for i in model.graph.input), states)}
    for name, chosen in renamed.items():
        yield helper.make_node("Gather", [name, _ROWS], [chosen])
    for node in _behind(model, states, logits):
        renamed |= {name: f"again.{name}" for name in node.output}
        copied = onnx.NodeProto()
        copied.CopyFrom(node)
        copied.name = ""
        del copied.input[:], copied.output[:]
        copied.input.extend(renamed.get(name, name) for name in node.input)
        copied.output.extend(renamed[name] for name in node.output)
        yield copied
    yield helper.make_node("Unsqueeze", [_ROWS, _LAST], ["again.indices"])
    yield helper.make_node("ScatterND", [FIRST_LOGITS, "again.indices", renamed[logits]], [logits])


def _behind(model: Any, states: str, logits: str) -> list[Any]:
    """The nodes that lead from `states` and the inputs to the logits, in their order."""
    wanted, found = {logits}, []
    for node in reversed(model.graph.node):
        if wanted & set(node.output) and states not in node.output:
            found.append(node)
            wanted |= set(node.input)
    return found[::-1]

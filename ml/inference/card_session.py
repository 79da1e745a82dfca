"""Runs a session on a graphics card: buffers bound once for each shape, its kernels recorded and replayed.

A small model's time on a card goes into starting its kernels one by one. ONNX Runtime records them as a CUDA
graph and replays them at once, given that every run has the same shapes at the same addresses: so a batch is
padded to one of few shapes, each with buffers of its own. On one H200 a window of 128 tokens took 0.4 ms so,
1.6 started one by one.
"""

from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

ROWS, FEWEST_TOKENS = (1, 4, 16), 64
_RECORDING = "gpu_graph_id"

Rows = np.ndarray[Any, np.dtype[np.float32]]


class _Bound(NamedTuple):
    """One shape's buffers, where they are bound, and the recording's number."""

    inputs: dict[str, Any]
    output: Any
    binding: Any
    options: Any


class CardSession:
    """A session with the inputs (rows, tokens) and the one output (rows, labels). Safe for many threads."""

    def __init__(self, session: Any, device: str = "cuda"):
        """`device` is where the buffers lie; `cpu` in tests."""
        self._session, self._device = session, device
        (output,) = session.get_outputs()
        self._output, self._width = output.name, output.shape[-1]
        self._bound: dict[tuple[int, int], _Bound] = {}
        self._lock = Lock()

    def get_providers(self) -> list[str]:
        """As the session says."""
        providers: list[str] = self._session.get_providers()
        return providers

    def run(self, _outputs: None, feed: Mapping[str, np.ndarray[Any, Any]]) -> list[Rows]:
        """As a session's own `run`: logits (rows, labels) of int64 inputs, each (rows, tokens)."""
        count = len(next(iter(feed.values())))
        return [
            np.concatenate(
                [
                    self._replay({name: array[start : start + ROWS[-1]] for name, array in feed.items()})
                    for start in range(0, count, ROWS[-1])
                ]
            )
        ]

    def _replay(self, feed: Mapping[str, np.ndarray[Any, Any]]) -> Rows:
        count, tokens = next(iter(feed.values())).shape
        shape = next(rows for rows in ROWS if rows >= count), padded_tokens(tokens)
        with self._lock:
            bound = self._bound.get(shape) or self._bind(shape, feed)
            for name, array in feed.items():
                whole = np.zeros(shape, array.dtype)  # padding: no token is seen
                whole[:count, :tokens] = array
                bound.inputs[name].update_inplace(whole)
            self._session.run_with_iobinding(bound.binding, bound.options)
            logits: Rows = bound.output.numpy()[:count]  # a copy from a card; in main memory the buffer
            return logits.copy() if self._device == "cpu" else logits

    def _bind(self, shape: tuple[int, int], feed: Mapping[str, np.ndarray[Any, Any]]) -> _Bound:
        value, where = onnxruntime.OrtValue, (self._device, 0)
        inputs = {
            name: value.ortvalue_from_shape_and_type(shape, a.dtype, *where) for name, a in feed.items()
        }
        output = value.ortvalue_from_shape_and_type((shape[0], self._width), np.float32, *where)
        binding, options = self._session.io_binding(), onnxruntime.RunOptions()
        for name, held in inputs.items():
            binding.bind_ortvalue_input(name, held)
        binding.bind_ortvalue_output(self._output, output)
        options.add_run_config_entry(_RECORDING, str(len(self._bound) + 1))
        return self._bound.setdefault(shape, _Bound(inputs, output, binding, options))


def padded_tokens(tokens: int) -> int:
    """The next power of two, and at least FEWEST_TOKENS."""
    return max(FEWEST_TOKENS, 1 << (tokens - 1).bit_length())

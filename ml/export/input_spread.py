"""How the inputs of a classifier's linear layers spread, channel by channel, over public texts.

int8 needs it: a channel that is always large, or never near zero, would else take the whole of the scale.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ml.text.tokenizer import TextTokenizer, token_batch
from ml.training.classifier import Classifier

FloatArray = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class InputSpread:
    """Of each channel of a layer's input: its mean, its deviation, and the largest weight that reads it."""

    mean: FloatArray
    deviation: FloatArray
    largest_weight: FloatArray


def input_spreads(
    classifier: Classifier, tokenizer: TextTokenizer, texts: Sequence[str]
) -> dict[str, InputSpread]:
    """By the layer's weight's name. Windows are read one by one: padding has no say."""
    layers = {n: m for n, m in classifier.encoder.named_modules(prefix="encoder") if type(m) is nn.Linear}
    seen = {name: _Moments() for name in layers}
    with torch.inference_mode(), _watched(layers, seen):
        for window in tokenizer.windows(texts):
            classifier(**{n: torch.from_numpy(a) for n, a in token_batch([window]).feed().items()})
    return {
        f"{name}.weight": seen[name].spread(layer.weight.detach().abs().amax(dim=0).numpy())
        for name, layer in layers.items()
    }


class _Moments:
    """Sums of a channel's values and of their squares."""

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, np.zeros(()), np.zeros(())

    def add(self, values: torch.Tensor) -> None:
        rows = values.reshape(-1, values.shape[-1]).double().numpy()
        self.count += len(rows)
        self.total = self.total + rows.sum(axis=0)
        self.squares = self.squares + (rows**2).sum(axis=0)

    def spread(self, largest_weight: FloatArray) -> InputSpread:
        mean = self.total / self.count
        variance = np.maximum(self.squares / self.count - mean**2, 0)
        return InputSpread(mean.astype(np.float32), np.sqrt(variance).astype(np.float32), largest_weight)


@contextmanager
def _watched(layers: Mapping[str, nn.Module], seen: Mapping[str, _Moments]) -> Iterator[None]:
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs, name=name: seen[name].add(inputs[0]))
        for name, layer in layers.items()
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()

"""Fits the gate of the classifier: which tokens stand inside a finding that is there.

Logistic regression on frozen token states of notes whose spans are known. Tokens of the prose, of
denied findings and of relatives are the negatives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ml.text.tokenizer import TextTokenizer, Window, batches_by_length
from ml.training.classifier import Classifier
from ml.training.marked_text import MarkedText

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
_SMALLEST_SPREAD = 0.02
_PENALTY = 1e-3


@dataclass(frozen=True, slots=True)
class Gate:
    """`weight` (1, hidden) and `bias` (1,); `accuracy` is on the tokens it was fitted to."""

    weight: FloatArray
    bias: FloatArray
    accuracy: float


def fit_gate(
    classifier: Classifier, tokenizer: TextTokenizer, texts: Sequence[MarkedText], *, iterations: int = 60
) -> Gate:
    """The gate that best tells tokens inside spans from all others."""
    states, inside = _token_states(classifier, tokenizer, texts)
    mean, spread = states.mean(0), states.std(0).clamp_min(_SMALLEST_SPREAD)
    standard = (states - mean) / spread
    line = nn.Linear(states.shape[1], 1)
    nn.init.zeros_(line.weight)
    nn.init.zeros_(line.bias)
    optimizer = torch.optim.LBFGS(line.parameters(), max_iter=iterations)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        error = nn.functional.binary_cross_entropy_with_logits(line(standard)[:, 0], inside)
        value: torch.Tensor = error + _PENALTY * (line.weight**2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        weight = line.weight / spread
        bias = line.bias - weight @ mean
        right = ((states @ weight[0] + bias > 0) == (inside > 0.5)).float().mean()
    return Gate(weight.numpy(), bias.numpy(), float(right))


def tokens_inside(window: Window, spans: Sequence[tuple[int, int]]) -> list[bool]:
    """For each token, whether it lies wholly inside one of the spans."""
    return [
        end > start and any(first <= start and end <= last for first, last in spans)
        for start, end in window.offsets
    ]


def _token_states(
    classifier: Classifier, tokenizer: TextTokenizer, texts: Sequence[MarkedText]
) -> tuple[torch.Tensor, torch.Tensor]:
    windows = tokenizer.windows([t.text for t in texts])
    states, inside = [], []
    with torch.inference_mode():
        for places, batch in batches_by_length(windows, 32):
            feed = {name: torch.from_numpy(array) for name, array in batch.feed().items()}
            read = classifier.states(**feed)
            for row, place in enumerate(places):
                window = windows[place]
                states.append(read[row, : len(window.ids)].clone())
                inside.extend(tokens_inside(window, texts[window.text_index].spans))
    return torch.cat(states).clone(), torch.tensor(inside, dtype=torch.float32)

"""States of single phrases, from which the features of endless synthetic notes are mixed.

Gated pooling is a sum over tokens, so the feature of a note is nearly the sum of the gated states
of its phrases, each read alone. Reading each phrase once gives training notes for nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ml.text.tokenizer import TextTokenizer, batches_by_length
from ml.training.classifier import Classifier

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class PhraseBank:
    """Gated sums of token states, one row (hidden) for each phrase."""

    sums: FloatArray

    def mix(self, members: IntArray, starts: IntArray) -> FloatArray:
        """Features of notes: note i has the phrases `members[starts[i]:starts[i + 1]]`."""
        return to_features(np.add.reduceat(self.sums[members], starts[:-1], axis=0))


def to_features(sums: FloatArray) -> FloatArray:
    """Scale rows to norm sqrt(hidden), as the classifier's pooling does."""
    norms = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    features: FloatArray = (sums * (math.sqrt(sums.shape[1]) / norms)).astype(np.float32)
    return features


def read_phrases(
    classifier: Classifier, tokenizer: TextTokenizer, phrases: Sequence[str], *, batch_size: int = 128
) -> PhraseBank:
    """Read every phrase once; a phrase longer than a window is cut."""
    windows = tokenizer.windows(phrases)
    sums = np.zeros((len(phrases), classifier.head.in_features), dtype=np.float32)
    with torch.inference_mode():
        for places, batch in batches_by_length(windows, batch_size):
            feed = {name: torch.from_numpy(array) for name, array in batch.feed().items()}
            states = classifier.states(**feed)
            inside = inner_tokens(feed["attention_mask"]).unsqueeze(-1)
            summed = (states * torch.sigmoid(classifier.gate(states)) * inside).sum(1).numpy()
            for row, place in enumerate(places):
                sums[windows[place].text_index] += summed[row]
    return PhraseBank(sums)


def inner_tokens(attention_mask: torch.Tensor) -> torch.Tensor:
    """The mask without each row's first and last token ([CLS], [SEP])."""
    lengths = attention_mask.sum(1, keepdim=True)
    positions = torch.arange(attention_mask.shape[1])
    return ((positions > 0) & (positions < lengths - 1)).to(torch.float32)

"""Predictor: texts in, log probability of every disease out. tokenizers + ONNX Runtime, no torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.errors import ModelFileError
from ml.inference.providers import active_provider, open_session
from ml.text.tokenizer import TextTokenizer, Window, batches_by_length

BATCH_SIZE = 16

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


class Predictor:
    """One published model, ready to read texts. `provider` says where it really runs."""

    def __init__(self, session: Any, tokenizer: TextTokenizer, labels: Sequence[str], version: str):
        self._session = session
        self._tokenizer = tokenizer
        self.labels = tuple(labels)
        self.version = version
        self.provider = active_provider(session)

    @classmethod
    def load(
        cls,
        onnx: bytes,
        tokenizer: TextTokenizer,
        labels: Sequence[str],
        *,
        provider: str = "auto",
        version: str = "",
        threads: int = 0,
    ) -> "Predictor":
        """Open a model. `cuda` raises ProviderUnavailable where there is none; `auto` falls back."""
        session = open_session(onnx, provider=provider, threads=threads)
        width = session.get_outputs()[0].shape[-1]
        if width != len(labels):
            raise ModelFileError(
                f"the model names {width} diseases, its labels {len(labels)}; publish it again"
            )
        return cls(session, tokenizer, labels, version)

    def log_probabilities(self, texts: Sequence[str]) -> FloatArray:
        """Natural logarithms, shape (texts, labels). A text without a word is uniform.

        A long text is read in overlapping windows; their logits are averaged by token count.
        """
        return log_softmax(self.logits(texts))

    def logits(self, texts: Sequence[str]) -> FloatArray:
        """Before normalisation; all zero for a text without a word."""
        summed = np.zeros((len(texts), len(self.labels)))
        weights = np.zeros((len(texts), 1))
        windows = [w for w in self._tokenizer.windows(texts) if word_count(w)] if texts else []
        for places, batch in batches_by_length(windows, BATCH_SIZE):
            rows = self.run_batch(batch.feed())
            for row, place in zip(rows, places, strict=True):
                index, weight = windows[place].text_index, word_count(windows[place])
                summed[index] += row * weight
                weights[index] += weight
        averaged: FloatArray = summed / np.maximum(weights, 1)
        return averaged

    def windows(self, text: str) -> list[Window]:
        """A text as the model reads it: overlapping windows of tokens with their places."""
        return self._tokenizer.windows([text])

    def run_batch(self, feed: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Logits (windows, labels) of one padded batch."""
        logits: np.ndarray[Any, np.dtype[np.float32]] = self._session.run(None, feed)[0]
        return logits


def word_count(window: Window) -> int:
    """Tokens that stand for text, not [CLS] or [SEP]."""
    return sum(end > start for start, end in window.offsets)


def log_softmax(logits: FloatArray) -> FloatArray:
    """Log probabilities along the last axis, without overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normal: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal

"""Predictor: texts in, log probability of every disease out. tokenizers + ONNX Runtime, no torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.errors import ModelFileError
from ml.inference.doubt import DOUBT, settable_doubt
from ml.inference.providers import active_provider, cuda_compiled, open_session, worker_count
from ml.inference.reading import Reading, log_softmax
from ml.registry.training_result import LearnedFusion
from ml.text.text_memory import TextMemory
from ml.text.tokenizer import TextTokenizer, Window

BATCH_SIZE = 16  # windows at once on a GPU; on a CPU padding costs more than a batch saves
WINDOWS_KEPT = 512  # 50 kB each with 12,687 diseases
_TEXTS_AT_ONCE = 64

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


class Predictor:
    """One published model, ready to read texts. `provider` says where it really runs.

    `fusion` is what its card says of its weight beside a graph.
    """

    def __init__(
        self,
        session: Any,
        tokenizer: TextTokenizer,
        labels: Sequence[str],
        version: str,
        *,
        doubt: float = 0.0,
        workers: int = 1,
    ):
        """`doubt` is the model's own, where it is an input (see `settable_doubt`).

        So many `workers` read windows side by side.
        """
        self._session = session
        self._tokenizer = tokenizer
        self.labels = tuple(labels)
        self.version = version
        self.provider = active_provider(session)
        self.workers, self.at_once = workers, 1 if self.provider == "cpu" else BATCH_SIZE
        self._doubt = doubt if len(self.labels) > 1 else 0.0
        self.fusion: LearnedFusion | None = None
        self._known = TextMemory[np.ndarray[Any, np.dtype[np.float32]]](WINDOWS_KEPT)

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
        """Open a model. `cuda` raises ProviderUnavailable where there is none; `auto` falls back.

        On a CPU one thread reads a window, and `threads` windows are read side by side; 0 is one a core.
        """
        onnx, doubt = settable_doubt(onnx)
        on_cpu = provider == "cpu" or not cuda_compiled()
        session = open_session(onnx, provider=provider, threads=1 if on_cpu else threads)
        width = session.get_outputs()[0].shape[-1]
        if width != len(labels):
            raise ModelFileError(
                f"the model names {width} diseases, its labels {len(labels)}; publish it again"
            )
        workers = worker_count(threads) if on_cpu else 1
        return cls(session, tokenizer, labels, version, doubt=doubt, workers=workers)

    def log_probabilities(self, texts: Sequence[str]) -> FloatArray:
        """Natural logarithms, shape (texts, labels). A text without a word is uniform.

        A long text is read in overlapping windows; their logits are averaged by token count.
        """
        return log_softmax(self.logits(texts))

    def logits(self, texts: Sequence[str]) -> FloatArray:
        """Before normalisation; all zero for a text without a word."""
        rows = [np.zeros((0, len(self.labels)))]
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            reading = self.reading(texts[start : start + _TEXTS_AT_ONCE])
            by_length = sorted(range(len(reading.windows)), key=lambda i: len(reading.windows[i].ids))
            for _ in reading.steps(by_length):
                pass
            rows.append(reading.logits())
        return np.concatenate(rows)

    def reading(self, texts: Sequence[str]) -> Reading:
        """The texts, to be read a window at a time; on a GPU many at a time."""
        return Reading(
            self._tokenizer.windows(texts) if texts else (),
            lambda batch, doubt: self.run_batch(batch.feed(), doubt),
            shape=(len(texts), len(self.labels)),
            known=self._known,
            at_once=self.at_once,
            workers=self.workers,
            doubt=self._doubt,
        )

    def windows(self, text: str) -> list[Window]:
        """A text as the model reads it: overlapping windows of tokens with their places."""
        return self._tokenizer.windows([text])

    def run_batch(
        self, feed: dict[str, Any], doubt: float | None = None
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Logits (windows, labels) of one padded batch; by another `doubt` than the model's own if given."""
        if doubt is not None and self._doubt:
            feed = {**feed, DOUBT: np.array(doubt, np.float32)}
        logits: np.ndarray[Any, np.dtype[np.float32]] = self._session.run(None, feed)[0]
        return logits

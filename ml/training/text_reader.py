"""Reads the same texts by one classifier after another; where only heads differ, the encoder runs once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ml.inference.version_loading import merged_tensors
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import HEAD_BIAS, HEAD_WEIGHT, build_classifier, encode_texts
from ml.training.messages import TrainingJob

Floats = np.ndarray[Any, np.dtype[np.float32]]


class TextReader:
    """The texts, and the model that a job starts from."""

    def __init__(self, job: TrainingJob, texts: Sequence[str]):
        torch.set_num_threads(job.threads)
        self._encoder = find_encoder(Path(job.encoder_dir) if job.encoder_dir else None)
        self._tokenizer = TextTokenizer(self._encoder.tokenizer_json)
        self._job, self._texts = job, texts
        self._start = self._features({})

    def logits(self, changed: bytes | None = None) -> Floats:
        """Of the start, or of what a training result makes of it, (texts, labels)."""
        told = {} if changed is None else read_tensors(changed)
        only_head = set(told) <= {HEAD_WEIGHT, HEAD_BIAS}
        features = self._start if only_head else self._features(told)
        own = read_tensors(self._job.tensors) | told
        scores: Floats = features @ own[HEAD_WEIGHT].T + own[HEAD_BIAS]
        return scores

    def _features(self, changed: dict[str, Any]) -> Floats:
        tensors = merged_tensors(self._encoder, read_tensors(self._job.tensors) | changed)
        classifier = build_classifier(tensors, self._job.labels, self._encoder.config)
        return encode_texts(classifier, self._tokenizer, self._texts)

"""Measures how far an ONNX model is from the torch classifier it came from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ml.errors import ModelFileError
from ml.inference.providers import open_session
from ml.registry.model_version import Parity
from ml.text.tokenizer import TextTokenizer, token_batch
from ml.training.classifier import Classifier

FP32_LIMIT = 1e-3
_BATCH_SIZE = 8

Logits = np.ndarray[Any, np.dtype[np.float32]]


def measure_parity(
    classifier: Classifier, models: dict[str, bytes], tokenizer: TextTokenizer, *, texts: Sequence[str]
) -> Parity:
    """Compare logits on public probe texts; refuses an fp32 model that is not the same function."""
    feeds = _feeds(tokenizer, texts)
    torch_logits = _torch_logits(classifier, feeds)
    fp32, int8 = (_onnx_logits(models[kind], feeds) for kind in ("fp32", "int8"))
    parity = Parity(
        probes=len(torch_logits),
        fp32_max_abs_diff=_largest_difference(torch_logits, fp32),
        int8_max_abs_diff=_largest_difference(torch_logits, int8),
        fp32_same_top1=_same_top1(torch_logits, fp32),
        int8_same_top1=_same_top1(torch_logits, int8),
    )
    if not parity.fp32_max_abs_diff <= FP32_LIMIT:
        raise ModelFileError(
            f"the ONNX model differs from torch by {parity.fp32_max_abs_diff:.2g}; it is not published"
        )
    return parity


def rounding_deviation(
    classifier: Classifier, int8: bytes, tokenizer: TextTokenizer, *, texts: Sequence[str]
) -> float:
    """The standard deviation of what rounding does to a logit."""
    feeds = _feeds(tokenizer, texts)
    return float((_onnx_logits(int8, feeds) - _torch_logits(classifier, feeds)).std())


def _feeds(tokenizer: TextTokenizer, texts: Sequence[str]) -> list[dict[str, Any]]:
    windows = tokenizer.windows(texts)
    starts = range(0, len(windows), _BATCH_SIZE)
    return [dict(token_batch(windows[start : start + _BATCH_SIZE]).feed()) for start in starts]


def _torch_logits(classifier: Classifier, feeds: Sequence[dict[str, Any]]) -> Logits:
    with torch.inference_mode():
        rows = [classifier(**{n: torch.from_numpy(a) for n, a in feed.items()}).numpy() for feed in feeds]
    return np.concatenate(rows)


def _onnx_logits(onnx: bytes, feeds: Sequence[dict[str, Any]]) -> Logits:
    session = open_session(onnx, provider="cpu")
    return np.concatenate([session.run(None, feed)[0] for feed in feeds])


def _largest_difference(left: Logits, right: Logits) -> float:
    return float(np.abs(left - right).max())


def _same_top1(left: Logits, right: Logits) -> float:
    return float((left.argmax(axis=1) == right.argmax(axis=1)).mean())

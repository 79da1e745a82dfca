"""Measures how far an ONNX model is from the torch classifier it came from, and int8 and fp16 from fp32."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from ml.errors import ModelFileError
from ml.inference.providers import open_session
from ml.registry.model_version import Parity
from ml.text.tokenizer import TextTokenizer, batches_by_length
from ml.training.classifier import Classifier

FP32_LIMIT = 1e-3
_BATCH_SIZE = 8
_TORCH_BATCHES = 3
_HALF_EVERY = 3  # batches

Logits = np.ndarray[Any, np.dtype[np.float32]]


def measure_parity(
    classifier: Classifier, models: dict[str, bytes], tokenizer: TextTokenizer, *, texts: Sequence[str]
) -> Parity:
    """Compare logits on public probe texts; refuses an fp32 model that is not the same function.

    A function is told from another by a few texts, so torch reads some of every length; a share of decisions
    takes many, so int8 is held against fp32 in ONNX Runtime on all, and fp16, far nearer, on a third.
    """
    feeds = _feeds(tokenizer, texts)
    fp32, int8 = (_onnx_logits(models[kind], feeds) for kind in ("fp32", "int8"))
    fp16 = _onnx_logits(models["fp16"], feeds[::_HALF_EVERY]) if "fp16" in models else None
    beside = _of_batches(fp32, range(0, len(feeds), _HALF_EVERY))
    few = range(0, len(feeds), -(-len(feeds) // _TORCH_BATCHES))
    by_torch = _torch_logits(classifier, [feeds[i] for i in few])
    by_onnx = _of_batches(fp32, few)
    parity = Parity(
        probes=len(fp32),
        fp32_max_abs_diff=_largest_difference(by_torch, by_onnx),
        int8_max_abs_diff=_largest_difference(fp32, int8),
        fp32_same_top1=_same_top1(by_torch, by_onnx),
        int8_same_top1=_same_top1(fp32, int8),
        fp16_max_abs_diff=0.0 if fp16 is None else _largest_difference(beside, fp16),
        fp16_same_top1=0.0 if fp16 is None else _same_top1(beside, fp16),
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
    batches = batches_by_length(tokenizer.windows(texts), _BATCH_SIZE)
    return [dict(batch.feed()) for _, batch in batches]


def _torch_logits(classifier: Classifier, feeds: Sequence[dict[str, Any]]) -> Logits:
    with torch.inference_mode():
        rows = [classifier(**{n: torch.from_numpy(a) for n, a in feed.items()}).numpy() for feed in feeds]
    return np.concatenate(rows)


def _onnx_logits(onnx: bytes, feeds: Sequence[dict[str, Any]]) -> Logits:
    session = open_session(onnx, provider="cpu")
    return np.concatenate([session.run(None, feed)[0] for feed in feeds])


def _of_batches(logits: Logits, batches: Iterable[int]) -> Logits:
    return np.concatenate([logits[i * _BATCH_SIZE : (i + 1) * _BATCH_SIZE] for i in batches])


def _largest_difference(left: Logits, right: Logits) -> float:
    return float(np.abs(left - right).max())


def _same_top1(left: Logits, right: Logits) -> float:
    return float((left.argmax(axis=1) == right.argmax(axis=1)).mean())

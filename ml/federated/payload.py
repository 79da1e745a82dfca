"""The payload: tensors in safetensors, in the one form that the reader writes again byte for byte."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ml.errors import UpdateRefused

Tensors = dict[str, np.ndarray[Any, Any]]


def write_payload(tensors: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """float32 tensors by name. Safetensors lays them out by name, so equal tensors give equal bytes."""
    data: bytes = save({n: np.ascontiguousarray(tensors[n], np.float32) for n in sorted(tensors)})
    return data


def read_payload(data: bytes) -> Tensors:
    """Tensors sorted by name; refuses another form, another type, no tensor and non-finite values."""
    try:
        stored = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError):
        raise UpdateRefused("the payload is not a safetensors file; ask for a new one") from None
    tensors = {name: stored[name] for name in sorted(stored)}
    if not tensors or any(t.dtype != np.float32 or t.size == 0 for t in tensors.values()):
        raise UpdateRefused("the payload holds something else than float32 tensors; ask for a new file")
    if write_payload(tensors) != data:
        raise UpdateRefused("the payload is not in its one canonical form; ask for a new file")
    if not all(np.isfinite(t).all() for t in tensors.values()):
        raise UpdateRefused("the payload holds values that are not finite; ask for a new file")
    return tensors


def sha256(data: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(data).hexdigest()

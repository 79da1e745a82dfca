"""Reads and writes the changed tensors of a version: safetensors, sorted by name.

A matrix may be stored as int8 rows, each with its own scale in `NAME.row_scale`; it is read
back as float32. Safetensors returns names in a varying order, so order is made here.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ml.errors import ModelFileError

ROW_SCALE = ".row_scale"
INT8_LIMIT = 127

Tensors = dict[str, np.ndarray[Any, Any]]


def write_tensors(tensors: Mapping[str, np.ndarray[Any, Any]], *, int8_rows: Collection[str] = ()) -> bytes:
    """A safetensors file; the matrices named in `int8_rows` are rounded to int8 by rows."""
    stored: Tensors = {}
    for name in sorted(tensors):
        value = np.ascontiguousarray(tensors[name], dtype=np.float32)
        if name in int8_rows:
            stored[name], stored[name + ROW_SCALE] = quantise_rows(value)
        else:
            stored[name] = value
    data: bytes = save(stored)
    return data


def read_tensors(data: bytes) -> Tensors:
    """All tensors as float32, sorted by name; refuses other types and non-finite values."""
    try:
        stored = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"this is not a safetensors file; use another version: {error}") from None
    tensors = {n: _restored(stored, n) for n in sorted(stored) if not n.endswith(ROW_SCALE)}
    if not all(np.isfinite(t).all() for t in tensors.values()):
        raise ModelFileError("the tensors hold values that are not finite; use another version")
    return tensors


def quantise_rows(
    matrix: np.ndarray[Any, Any],
) -> tuple[np.ndarray[Any, np.dtype[np.int8]], np.ndarray[Any, np.dtype[np.float32]]]:
    """Round each row to int8, symmetric around zero; the scale is the row's maximum / 127."""
    largest = np.abs(matrix).max(axis=1)
    scale = np.where(largest > 0, largest, np.float32(1)).astype(np.float32) / np.float32(INT8_LIMIT)
    rows = np.clip(np.rint(matrix / scale[:, None]), -INT8_LIMIT, INT8_LIMIT).astype(np.int8)
    return rows, scale


def _restored(stored: Tensors, name: str) -> np.ndarray[Any, Any]:
    value, scale = stored[name], stored.get(name + ROW_SCALE)
    if value.dtype == np.float32:
        return value
    rounded = value.dtype == np.int8 and value.ndim == 2
    if rounded and scale is not None and (scale.dtype, scale.shape) == (np.float32, value.shape[:1]):
        rows: np.ndarray[Any, Any] = value.astype(np.float32) * scale[:, None]
        return rows
    raise ModelFileError(f"the tensor {name} is of type {value.dtype}; only float32 and int8 rows are read")

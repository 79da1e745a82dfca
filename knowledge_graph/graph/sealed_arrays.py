"""Arrays that ship with the program or lie in its cache: safetensors behind their SHA-256, never pickle."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

Arrays = dict[str, npt.NDArray[Any]]


def sealed(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The arrays behind their hash."""
    body = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return hashlib.sha256(body).digest() + body


def unsealed(data: bytes) -> Arrays | None:
    """The arrays, or None where the hash does not match. Raises SafetensorError."""
    body = data[32:]
    return load(body) if hashlib.sha256(body).digest() == data[:32] else None


def shipped_arrays(data: bytes, *, file: str, rebuild: str) -> Arrays:
    """The arrays of a file of ours. An altered file is our fault: ValueError with the command."""
    arrays = unsealed(data)
    if arrays is None:
        raise ValueError(f"{file} does not match its sha256; rebuild it by {rebuild}")
    return arrays

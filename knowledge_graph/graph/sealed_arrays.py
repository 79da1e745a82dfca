"""Arrays that ship with the program or lie in its cache: safetensors behind their SHA-256, never pickle.

Read as views of the bytes, which nobody may write to: `safetensors` copies them twice, which took longer at a
start than all else of the loading. The hash of what is longer than STRETCH is that of its stretches' hashes:
all cores work at it.
"""

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]
STRETCH = 1 << 23  # bytes; longer than any array that ships, whose seal is its plain SHA-256
_SEAL, _LENGTH = 32, 8
_KINDS = {"BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I32": "<i4", "F16": "<f2", "F32": "<f4"}


class _Entry(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def sealed(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """The arrays behind their hash."""
    from safetensors.numpy import save

    body = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return seal_of(body) + body


def seal_of(body: bytes | memoryview) -> bytes:
    """SHA-256 of the body; where it is longer than STRETCH, of the SHA-256 of each stretch."""
    if len(body) <= STRETCH:
        return hashlib.sha256(body).digest()
    stretches = (body[start : start + STRETCH] for start in range(0, len(body), STRETCH))
    with ThreadPoolExecutor() as pool:
        return hashlib.sha256(b"".join(pool.map(lambda s: hashlib.sha256(s).digest(), stretches))).digest()


def read_sealed(path: Path) -> Arrays | None:
    """The arrays of a file, as of `unsealed`. Raises OSError besides."""
    content = np.fromfile(path, np.uint8)  # in half the time of `read_bytes`
    return unsealed(memoryview(content.data).toreadonly())


def unsealed(data: bytes | memoryview) -> Arrays | None:
    """The arrays, or None where the hash does not match. Raises ValueError where they are none."""
    body = memoryview(data)[_SEAL:]
    return _views(body) if seal_of(body) == bytes(data[:_SEAL]) else None


def _views(body: memoryview) -> Arrays:
    """As the safetensors format lays them out: the header's length, the header as JSON, the numbers."""
    begin = _LENGTH + int.from_bytes(body[:_LENGTH], "little")
    header = msgspec.json.decode(body[_LENGTH:begin], type=dict[str, _Entry])
    numbers = body[begin:]
    return {name: _view(numbers, entry) for name, entry in header.items()}


def _view(numbers: memoryview, entry: _Entry) -> npt.NDArray[Any]:
    if entry.dtype not in _KINDS:
        raise ValueError(f"arrays of the kind {entry.dtype} are none of ours")
    start, end = entry.data_offsets
    return np.frombuffer(numbers[start:end], _KINDS[entry.dtype]).reshape(entry.shape)


def shipped_arrays(data: bytes, *, file: str, rebuild: str) -> Arrays:
    """The arrays of a file of ours. An altered file is our fault: ValueError with the command."""
    arrays = unsealed(data)
    if arrays is None:
        raise ValueError(f"{file} does not match its sha256; rebuild it by {rebuild}")
    return arrays

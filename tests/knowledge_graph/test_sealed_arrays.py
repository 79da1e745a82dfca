"""What is read from a sealed file is what was put in, as the safetensors library reads it too."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from knowledge_graph.graph.sealed_arrays import STRETCH, read_sealed, seal_of, sealed, unsealed

KINDS = (np.bool_, np.uint8, np.int8, np.uint16, np.int32, np.float32)
ARRAYS = {
    f"{kind.__name__}.{shape}": np.ones(shape, kind) for kind in KINDS for shape in ((5,), (3, 2), (0,))
}


def test_arrays_of_every_kind_come_back() -> None:
    data = sealed(ARRAYS)
    found, library = unsealed(data), load(data[32:])
    assert found is not None
    assert sorted(found) == sorted(library) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        for again in (found[name], library[name]):
            assert (again.dtype, again.shape, again.tolist()) == (array.dtype, array.shape, array.tolist())


def test_nobody_can_write_to_what_was_read() -> None:
    found = unsealed(sealed(ARRAYS))
    assert found is not None
    with pytest.raises(ValueError, match="read-only"):
        found["int32.(5,)"][0] = 2


@pytest.mark.parametrize("body", [b"", b"\xff" * 40, save({"a": np.ones(2, np.float64)})])
def test_what_is_no_file_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unsealed(hashlib.sha256(body).digest() + body)


def test_a_flipped_bit_anywhere_is_seen() -> None:
    data = sealed({"a": np.arange(3, dtype=np.int32)})
    for place in range(len(data)):
        assert unsealed(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]) is None


def test_the_seal_of_a_long_file_is_that_of_its_stretches(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 255, 2 * STRETCH + 100, dtype=np.uint8)
    body = numbers.tobytes()
    parts = (body[:STRETCH], body[STRETCH : 2 * STRETCH], body[2 * STRETCH :])
    assert seal_of(body) == hashlib.sha256(b"".join(hashlib.sha256(p).digest() for p in parts)).digest()
    assert seal_of(parts[0]) == hashlib.sha256(parts[0]).digest()
    data = bytearray(sealed({"a": numbers}))
    path = tmp_path / "long.bin"
    for place in (0, 31, 32, 40, STRETCH, STRETCH + 32, len(data) - 1):
        data[place] ^= 1
        path.write_bytes(data)
        assert read_sealed(path) is None
        data[place] ^= 1
    path.write_bytes(data)
    found = read_sealed(path)
    assert found is not None
    assert (found["a"] == numbers).all()
    with pytest.raises(ValueError, match="read-only"):
        found["a"][0] = 2

"""Tensor files keep values, order and types; anything else is refused."""

import pickle

import numpy as np
import pytest
from safetensors.numpy import save

from ml.errors import ModelFileError
from ml.registry.tensor_file import read_tensors, write_tensors


def test_float_tensors_come_back_exactly_and_in_order() -> None:
    tensors = {"z": np.array([1, 2], np.float32), "a": np.array([[3.5]], np.float32)}
    back = read_tensors(write_tensors(tensors))
    assert list(back) == ["a", "z"]
    assert all(np.array_equal(back[n], tensors[n]) for n in tensors)


def test_the_same_tensors_give_the_same_bytes() -> None:
    a, b = np.ones((3, 2), np.float32), np.zeros(4, np.float32)
    assert write_tensors({"a": a, "b": b}) == write_tensors({"b": b, "a": a})


def test_int8_rows_are_within_half_a_step_of_the_original() -> None:
    matrix = np.random.default_rng(0).normal(size=(20, 33)).astype(np.float32)
    matrix[3] = 0
    back = read_tensors(write_tensors({"m": matrix}, int8_rows=["m"]))["m"]
    step = np.abs(matrix).max(axis=1, keepdims=True) / 127
    assert (np.abs(back - matrix) <= step / 2 * 1.0001).all()
    assert (back[3] == 0).all()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not tensors",
        pickle.dumps({"a": 1}),
        save({"a": np.ones(1, np.float64)}),
        save({"a": np.ones((1, 1), np.int8)}),
        save({"a": np.array([np.nan], np.float32)}),
        save({"a": np.ones((1, 1), np.int8), "a.row_scale": np.ones(1, np.float64)}),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFileError):
        read_tensors(data)

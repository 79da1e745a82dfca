"""Weights put back into a graph are the weights, and quantisation is within half a step."""

import zlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ml.errors import ModelFileError
from ml.inference.graph_template import (
    Fill,
    FillKind,
    GraphTemplate,
    assemble,
    quantise_columns,
    quantise_tensor,
    shifted_bias,
)

RNG = np.random.default_rng(3)
MATRIX = RNG.normal(size=(4, 3)).astype(np.float32)


def template(*fills: Fill) -> GraphTemplate:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", [x], [y])
    return GraphTemplate(helper.make_model(graph).SerializeToString(), fills)


def initializers(data: bytes) -> dict[str, np.ndarray]:
    model = onnx.load_model_from_string(data)
    assert len(model.graph.node) == 1
    return {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}


@pytest.mark.parametrize("transpose", [False, True])
def test_a_float_fill_holds_the_tensor(transpose: bool) -> None:
    stored = MATRIX.T if transpose else MATRIX
    found = initializers(assemble(template(Fill("w", "t", FillKind.FLOAT, transpose)), {"t": stored}))
    assert np.array_equal(found["w"], MATRIX)


def test_a_quantised_fill_holds_values_scale_and_zero() -> None:
    fill = Fill("q", "t", FillKind.COLUMNS, scale_name="s", zero_point_name="z")
    found = initializers(assemble(template(fill), {"t": MATRIX}))
    assert np.abs(found["q"] * found["s"] - MATRIX).max() <= found["s"].max() / 2 * 1.001
    assert found["q"].dtype == found["z"].dtype == np.int8
    assert not found["z"].any()


def test_columns_have_their_own_scale() -> None:
    matrix = MATRIX * np.array([1, 100, 0], np.float32)
    values, scale = quantise_columns(matrix)
    assert (np.abs(values * scale - matrix) <= scale / 2 * 1.001).all()
    assert np.abs(values[:, 1]).max() == 127


def test_rows_have_their_own_scale() -> None:
    table = MATRIX * np.array([[1], [100], [0], [3]], np.float32)
    found = initializers(assemble(template(Fill("q", "t", FillKind.ROWS, scale_name="s")), {"t": table}))
    assert found["q"].dtype == np.int8
    assert found["s"].shape == (4, 1)
    assert (np.abs(found["q"] * found["s"] - table) <= found["s"] / 2 * 1.001).all()


def test_a_factor_divides_the_rows_before_they_are_rounded() -> None:
    factor = np.array([1, 2, 0.5, 4], np.float16)
    fill = Fill("q", "t", FillKind.COLUMNS, scale_name="s", factor="f")
    graph = GraphTemplate(template().graph, (fill,), {"f": factor.tobytes()})
    found = initializers(assemble(GraphTemplate.from_bytes(graph.to_bytes()), {"t": MATRIX}))
    values, scale = quantise_columns(MATRIX / factor[:, None].astype(np.float32))
    assert np.array_equal(found["q"], values)
    assert np.array_equal(found["s"], scale)
    with pytest.raises(ModelFileError, match="lacks the tensor f"):
        assemble(GraphTemplate(graph.graph, (fill,)), {"t": MATRIX})
    with pytest.raises(ModelFileError, match="cannot be read"):
        assemble(GraphTemplate(graph.graph, (fill,), {"f": b"odd"}), {"t": MATRIX})


@pytest.mark.parametrize("factor", [None, np.array([1, 2, 0.5, 4], np.float32)])
def test_with_its_new_bias_a_rounded_layer_is_exact_at_the_mean(factor: np.ndarray | None) -> None:
    weight, bias = MATRIX.T.copy(), np.array([1, 2, 3], np.float32)
    shift, mean = np.full(4, -0.17, np.float32), np.array([0.2, 0, -0.1, 3], np.float32)
    found = shifted_bias(bias, weight, shift, mean, factor)
    per_row = np.ones(4, np.float32) if factor is None else factor
    values, scale = quantise_columns(MATRIX / per_row[:, None])
    rounded = ((mean - shift) * per_row) @ (values * scale) + found
    assert np.allclose(rounded, weight @ mean + bias, atol=1e-5)
    assert np.allclose(shifted_bias(bias, weight, shift), weight @ shift + bias, atol=1e-6)


@pytest.mark.parametrize("shift", [0.0, 5.0, -5.0])
def test_a_whole_tensor_is_within_a_step(shift: float) -> None:
    tensor = MATRIX + np.float32(shift)
    values, scale, zero = quantise_tensor(tensor)
    assert np.abs((values.astype(np.float32) - zero) * scale - tensor).max() <= scale


def test_the_same_input_gives_the_same_bytes() -> None:
    one = template(Fill("w", "t", FillKind.FLOAT))
    assert assemble(one, {"t": MATRIX}) == assemble(GraphTemplate.from_bytes(one.to_bytes()), {"t": MATRIX})


def test_a_missing_tensor_one_too_many_and_a_foreign_file_are_refused() -> None:
    with pytest.raises(ModelFileError, match="lacks the tensor"):
        assemble(template(Fill("w", "t", FillKind.FLOAT)), {})
    with pytest.raises(ModelFileError, match=r"no place for the tensor encoder\.adapter"):
        assemble(template(Fill("w", "t", FillKind.FLOAT)), {"t": MATRIX, "encoder.adapter": MATRIX})
    no_text = zlib.compress(b"\x82\xa5graph\xc4\x00\xa5fills\x91\x83\xa4name\xa1\xff")
    for data in (b"", b"foreign", b"\x80\x04.", no_text, zlib.compress(b"\x91" * 10_000)):
        with pytest.raises(ModelFileError):
            GraphTemplate.from_bytes(data)

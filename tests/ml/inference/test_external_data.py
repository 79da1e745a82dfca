"""A model that reads other files is refused, wherever in it the tensor hides."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from ml.errors import ModelFileError
from ml.inference.external_data import refuse_external_data


def model_with(tensor: TensorProto, *, inside: str) -> bytes:
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    branch = helper.make_graph([helper.make_node("Constant", [], ["y"], value=tensor)], "b", [], [out])
    nodes, initializers = [helper.make_node("Identity", ["w"], ["y"])], []
    if inside == "initializer":
        initializers = [tensor]
    elif inside == "attribute":
        nodes = list(branch.node)
    else:
        condition = numpy_helper.from_array(np.array(True), "c")
        initializers = [condition]
        nodes = [helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)]
    graph = helper.make_graph(nodes, "g", [], [out], initializers)
    data: bytes = helper.make_model(graph).SerializeToString()
    return data


def outside(tensor: TensorProto) -> TensorProto:
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return tensor


def weight() -> TensorProto:
    return numpy_helper.from_array(np.ones(1, np.float32), "w")


@pytest.mark.parametrize("inside", ["initializer", "attribute", "branch"])
def test_external_tensors_are_refused(inside: str) -> None:
    refuse_external_data(model_with(weight(), inside=inside))
    with pytest.raises(ModelFileError, match="other files"):
        refuse_external_data(model_with(outside(weight()), inside=inside))


@pytest.mark.parametrize("cut", [1, 7, 20])
def test_a_cut_model_is_refused(cut: int) -> None:
    data = model_with(weight(), inside="initializer")
    with pytest.raises(ModelFileError):
        refuse_external_data(data[:-cut])


def test_what_is_no_onnx_is_refused() -> None:
    with pytest.raises(ModelFileError):
        refuse_external_data(b"\x80\x04\x95 pickled")

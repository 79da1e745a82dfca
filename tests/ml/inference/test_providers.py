"""Where a session runs, and how many threads it may take."""

import onnxruntime
import pytest
from onnx import TensorProto, helper

from ml.errors import ProviderUnavailable
from ml.inference.providers import CUDA, TENSORRT, _thread_limit, active_provider, open_session


@pytest.mark.parametrize(("said", "limit"), [("3", 3), ("", 0), ("4,2", 0), ("²", 0)])
def test_a_limit_of_threads_is_obeyed_where_it_is_a_number(
    said: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert _thread_limit() == limit


def session_of(provider: str, **words: bool) -> object:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return open_session(model.SerializeToString(), provider=provider, **words)


@pytest.mark.parametrize("recorded", [False, True])
def test_auto_runs_somewhere_and_says_where(recorded: bool) -> None:
    assert active_provider(session_of("auto", recorded=recorded)) in ("cpu", "cuda")


@pytest.mark.parametrize(
    ("provider", "name", "remedy"),
    [("cuda", CUDA, "install the gpu extra"), ("tensorrt", TENSORRT, "NVIDIA's TensorRT 10")],
)
def test_what_was_asked_for_and_does_not_run_is_refused(provider: str, name: str, remedy: str) -> None:
    if name in onnxruntime.get_available_providers():
        pytest.skip("this build might run it")
    with pytest.raises(ProviderUnavailable, match=remedy):
        session_of(provider)


def test_an_unknown_provider_is_told_the_known_ones() -> None:
    with pytest.raises(ProviderUnavailable, match="use one of auto, cpu, cuda, tensorrt"):
        session_of("rocm")

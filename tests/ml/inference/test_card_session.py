"""Padding to few shapes and buffers that stay change nothing; checked with buffers in main memory."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from ml.inference.card_session import ROWS, CardSession, padded_tokens
from ml.inference.providers import open_session

LABELS = 3
Feed = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(scope="module")
def session() -> Any:
    """logits[row, label] = the sum over a row's seen tokens of id * place, times the label's weight."""
    shape = ["batch", "sequence"]
    names = ("input_ids", "attention_mask", "position_ids")
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in names]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", LABELS])
    weights = numpy_helper.from_array(np.array([[1, -2, 0.5]], np.float32), "weights")
    last = numpy_helper.from_array(np.array([1], np.int64), "last")
    nodes = [
        helper.make_node("Mul", ["input_ids", "attention_mask"], ["seen"]),
        helper.make_node("Mul", ["seen", "position_ids"], ["placed"]),
        helper.make_node("ReduceSum", ["placed", "last"], ["summed"]),
        helper.make_node("Cast", ["summed"], ["number"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["number", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, [output], [weights, last])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return open_session(model.SerializeToString(), provider="cpu", threads=1)


def feed_of(rows: int, tokens: int, seed: int = 1) -> Feed:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, tokens + 1, rows)
    lengths[0] = tokens
    places = np.tile(np.arange(tokens), (rows, 1))
    return {
        "input_ids": rng.integers(1, 9, (rows, tokens)),
        "attention_mask": (places < lengths[:, None]).astype(np.int64),
        "position_ids": places,
    }


@pytest.mark.parametrize("tokens", [1, 63, 64, 65, 200, 512])
@pytest.mark.parametrize("rows", [1, 2, 4, 5, 16, 17, 40])
def test_it_gives_what_the_session_gives(session: Any, rows: int, tokens: int) -> None:
    feed = feed_of(rows, tokens)
    (found,) = CardSession(session, device="cpu").run(None, feed)
    assert np.array_equal(found, session.run(None, feed)[0])


def test_nothing_of_an_earlier_batch_is_left_in_a_buffer(session: Any) -> None:
    card = CardSession(session, device="cpu")
    before = card.run(None, feed_of(16, 64))[0]
    kept = before.copy()
    few = feed_of(13, 5, seed=2)
    assert np.array_equal(card.run(None, few)[0], session.run(None, few)[0])
    assert np.array_equal(before, kept)  # and what was handed out is not written over


def test_shapes_are_few(session: Any) -> None:
    card = CardSession(session, device="cpu")
    for rows in range(1, 17):
        for tokens in (1, 30, 64, 100, 128, 129, 256):
            card.run(None, feed_of(rows, tokens))
    assert len(card._bound) == len(ROWS) * 3
    assert len({bound.options.get_run_config_entry("gpu_graph_id") for bound in card._bound.values()}) == 9


def test_many_threads_get_their_own_answers(session: Any) -> None:
    card = CardSession(session, device="cpu")
    feeds = [feed_of(1 + seed % 16, 20 + seed, seed) for seed in range(60)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda feed: card.run(None, feed)[0], feeds))
    for feed, logits in zip(feeds, found, strict=True):
        assert np.array_equal(logits, session.run(None, feed)[0])


@pytest.mark.parametrize(("tokens", "padded"), [(1, 64), (64, 64), (65, 128), (256, 256), (257, 512)])
def test_tokens_are_padded_to_a_power_of_two(tokens: int, padded: int) -> None:
    assert padded_tokens(tokens) == padded

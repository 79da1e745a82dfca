"""int8 rounds each token by itself, near what it stands for, and reads again what it cannot tell apart."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from ml.export import calibrated_graphs
from ml.export.input_spread import InputSpread, input_spreads
from ml.export.int8_graph import int8_graph
from ml.inference import doubt
from ml.inference.doubt import settable_doubt
from ml.inference.graph_template import GraphTemplate, assemble
from ml.inference.int8_sums import adds_int8_right
from ml.inference.predictor import Predictor
from ml.inference.providers import open_session
from ml.inference.version_loading import merged_tensors
from ml.text.encoder_files import EncoderFiles, Tensors
from ml.text.tokenizer import TextTokenizer, token_batch
from ml.training.classifier import Classifier, build_classifier
from tests.ml.export.conftest import Exported
from tests.ml.tiny_model import LABELS, head_tensors

pytestmark = pytest.mark.slow
TEXTS = ["fever", "no seizure . weak arm", "short leg short leg . arm", "arm weak no fever", "seizure leg"]
Reader = Callable[[GraphTemplate, list[str]], Any]
NEVER, ALWAYS = 0.0, 1e6


@pytest.fixture(scope="module")
def tokenizer(encoder: EncoderFiles) -> TextTokenizer:
    return TextTokenizer(encoder.tokenizer_json)


@pytest.fixture(scope="module")
def tensors(encoder: EncoderFiles) -> Tensors:
    return merged_tensors(encoder, head_tensors())


@pytest.fixture(scope="module")
def classifier(encoder: EncoderFiles, tensors: Tensors) -> Classifier:
    return build_classifier(tensors, LABELS, encoder.config)


@pytest.fixture(scope="module")
def fp32(exported: Exported) -> GraphTemplate:
    return exported.fp32


@pytest.fixture(scope="module")
def spreads(classifier: Classifier, tokenizer: TextTokenizer) -> dict[str, InputSpread]:
    return input_spreads(classifier, tokenizer, TEXTS)


@pytest.fixture(scope="module")
def read(tensors: Tensors, tokenizer: TextTokenizer) -> Reader:
    def logits(graph: GraphTemplate, texts: list[str]) -> Any:
        session = open_session(assemble(graph, tensors), provider="cpu", threads=1)
        return session.run(None, dict(token_batch(tokenizer.windows(texts)).feed()))[0]

    return logits


def test_spreads_are_those_of_every_token(
    classifier: Classifier, tokenizer: TextTokenizer, spreads: dict[str, InputSpread]
) -> None:
    name = "encoder.encoder.layer.0.attention.self.query"
    with torch.inference_mode():
        states = [
            classifier.encoder.embeddings(torch.tensor([w.ids]), torch.arange(len(w.ids)))[0].double().numpy()
            for w in tokenizer.windows(TEXTS)
        ]
    rows = np.concatenate(states)
    found = spreads[f"{name}.weight"]
    assert np.allclose(found.mean, rows.mean(axis=0), atol=1e-6)
    assert np.allclose(found.deviation, rows.std(axis=0), atol=1e-6)
    weight = classifier.encoder.blocks[0].attention.self.query.weight.detach().numpy()
    assert np.array_equal(found.largest_weight, np.abs(weight).max(axis=0))


def test_every_large_matrix_is_int8_once(fp32: GraphTemplate, spreads: dict[str, InputSpread]) -> None:
    model = onnx.load_model_from_string(int8_graph(fp32, spreads).graph)
    products = [node for node in model.graph.node if node.op_type == "MatMulIntegerToFloat"]
    assert len(products) == 2 * 6 + 1  # two layers of six, and the head
    rounded = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert len(rounded) == 2 * 4 + 1  # queries, keys and values share one rounding


def test_no_reduction_over_the_windows_in_doubt_counts_axes_from_the_end(fp32: GraphTemplate) -> None:
    """ONNX Runtime 1.31, the newest with CUDA, gets its shape wrong where there is no such window."""
    model = onnx.load_model_from_string(int8_graph(fp32, doubt=0.5).graph)
    numbers = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    again = [
        n for n in model.graph.node if n.op_type.startswith("Reduce") and n.input[0].startswith("again.")
    ]
    assert {node.op_type for node in again} == {"ReduceMax", "ReduceSum", "ReduceL2"}
    assert all(numbers[node.input[1]].min() > 0 for node in again if node.op_type == "ReduceMax")


def test_rounding_stays_near_and_knowing_the_spread_brings_it_nearer(
    fp32: GraphTemplate, spreads: dict[str, InputSpread], read: Reader
) -> None:
    exact = read(fp32, TEXTS)
    plain, fitted = (np.abs(read(int8_graph(fp32, s), TEXTS) - exact).std() for s in ({}, spreads))
    assert 0 < fitted < plain < 0.05 * exact.std()


def test_a_window_reads_the_same_alone_and_among_others(
    fp32: GraphTemplate, spreads: dict[str, InputSpread], read: Reader
) -> None:
    graph = int8_graph(fp32, spreads)
    together = read(graph, TEXTS)
    alone = np.concatenate([read(graph, [text]) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-4


def test_windows_in_doubt_and_no_others_are_read_again(
    fp32: GraphTemplate, spreads: dict[str, InputSpread], read: Reader
) -> None:
    once, again = (read(int8_graph(fp32, spreads, doubt=d), TEXTS) for d in (NEVER, ALWAYS))
    exact = read(fp32, TEXTS)
    assert np.abs(again - exact).max() < np.abs(once - exact).max()
    first, second = np.sort(once, axis=1)[:, :-3:-1].T
    margin = first - second
    middle = float(np.median(margin)) + 1e-6
    found = read(int8_graph(fp32, spreads, doubt=middle), TEXTS)
    near = margin < middle
    assert 0 < near.sum() < len(TEXTS)
    assert np.allclose(found[near], again[near], atol=1e-5)
    assert np.array_equal(found[~near], once[~near])


def test_the_doubt_of_a_model_is_an_input_that_need_not_be_given(
    fp32: GraphTemplate,
    spreads: dict[str, InputSpread],
    read: Reader,
    tensors: Tensors,
    tokenizer: TextTokenizer,
) -> None:
    own = 0.3
    onnx_bytes = assemble(int8_graph(fp32, spreads, doubt=own), tensors)
    assert settable_doubt(onnx_bytes)[1] == pytest.approx(own)
    plain = assemble(fp32, tensors)
    assert settable_doubt(plain) == (plain, 0.0)
    model = Predictor.load(onnx_bytes, tokenizer, LABELS, provider="cpu", threads=1)
    feed = token_batch(tokenizer.windows(TEXTS)).feed()
    for given, meant in ((None, own), (doubt.NEVER, NEVER), (doubt.ALWAYS, ALWAYS)):
        expected = read(int8_graph(fp32, spreads, doubt=meant), TEXTS)
        assert np.allclose(model.run_batch(feed, given), expected, atol=1e-6)


def test_a_batch_without_doubt_runs_alone(
    fp32: GraphTemplate, spreads: dict[str, InputSpread], read: Reader
) -> None:
    sure = int8_graph(fp32, spreads, doubt=1e-9)
    assert np.array_equal(read(sure, TEXTS[:1]), read(int8_graph(fp32, spreads), TEXTS[:1]))


def test_doubt_is_measured_from_what_rounding_does(
    exported: Exported,
    classifier: Classifier,
    tokenizer: TextTokenizer,
    read: Reader,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tensors, twin, fp32 = exported
    monkeypatch.setattr(calibrated_graphs, "exported_twin", lambda _: (twin, fp32))
    graphs = calibrated_graphs.calibrated_graphs(classifier, tensors, tokenizer, TEXTS)
    initializers = onnx.load_model_from_string(graphs["int8"].graph).graph.initializer
    (kept,) = (float(numpy_helper.to_array(i)) for i in initializers if i.name == doubt.DOUBT)
    once = int8_graph(graphs["fp32"], input_spreads(classifier, tokenizer, TEXTS))
    assert kept == pytest.approx(1.5 * (read(once, TEXTS) - read(graphs["fp32"], TEXTS)).std(), rel=0.02)


def test_a_sum_that_saturates_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product is one that 16 bits cannot hold."""

    class Saturating:
        def __init__(self, *_: object, **__: object) -> None: ...

        def run(self, _: None, feed: dict[str, Any]) -> list[Any]:
            a, b = feed["a"].astype(np.int64), feed["b"].astype(np.int64)
            pairs = a[:, 0::2, None] * b[None, 0::2] + a[:, 1::2, None] * b[None, 1::2]
            return [np.clip(pairs, -32768, 32767).sum(axis=1)]

    assert isinstance(adds_int8_right(), bool)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Saturating)
    assert not adds_int8_right()

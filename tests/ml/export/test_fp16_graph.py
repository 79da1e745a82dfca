"""The graph for a graphics card: operators are fused, layers halved, and it stays the same function."""

from collections import Counter
from typing import Any

import numpy as np
import onnx
import pytest

from ml.errors import ModelFileError
from ml.export import fp16_graph as module
from ml.export.fp16_graph import fp16_graph
from ml.export.onnx_export import exported_twin
from ml.inference.graph_template import FillKind, GraphTemplate, assemble
from ml.inference.providers import open_session
from ml.inference.version_loading import merged_tensors
from ml.text.encoder_files import EncoderFiles
from ml.text.tokenizer import TextTokenizer, token_batch
from ml.training.classifier import build_classifier
from ml.training.scopes import SCOPES
from tests.ml.tiny_model import LABELS, head_tensors, write_tiny_encoder

pytestmark = pytest.mark.slow
TEXTS = ["fever", "no seizure . weak arm", "short leg " * 30, "arm"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderFiles:
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny"))


def made(encoder: EncoderFiles, scope: str = "") -> tuple[Any, GraphTemplate, GraphTemplate]:
    classifier = build_classifier(merged_tensors(encoder, head_tensors()), LABELS, encoder.config)
    if scope:
        SCOPES[scope].prepare(classifier, range(len(LABELS)))
    exported, fp32 = exported_twin(classifier)
    tensors = {name: value.numpy() for name, value in classifier.state_dict().items()}
    return tensors, fp32, fp16_graph(exported, fp32)


def logits(onnx_bytes: bytes, encoder: EncoderFiles) -> np.ndarray[Any, Any]:
    feed = token_batch(TextTokenizer(encoder.tokenizer_json, max_tokens=32, overlap=4).windows(TEXTS)).feed()
    found: np.ndarray[Any, Any] = open_session(onnx_bytes, provider="cpu", threads=1).run(None, feed)[0]
    return found


@pytest.mark.parametrize("scope", ["", "adapter", "prefix"])
def test_it_is_the_same_function_within_half_precision(encoder: EncoderFiles, scope: str) -> None:
    tensors, fp32, fp16 = made(encoder, scope)
    whole, half = (logits(assemble(graph, tensors), encoder) for graph in (fp32, fp16))
    assert 0 < np.abs(whole - half).max() < 0.02 * np.abs(whole).max()
    assert half.dtype == np.float32


def test_attention_layer_norms_and_gelu_are_fused(encoder: EncoderFiles) -> None:
    _, _, fp16 = made(encoder)
    kinds = Counter(node.op_type for node in onnx.load_model_from_string(fp16.graph).graph.node)
    layers = encoder.config["num_hidden_layers"]
    assert kinds["MultiHeadAttention"] == kinds["BiasGelu"] == layers
    assert kinds["SkipLayerNormalization"] == 2 * layers + 1
    assert kinds["Softmax"] == kinds["LayerNormalization"] == 0


def test_layers_are_halved_and_the_head_is_not(encoder: EncoderFiles) -> None:
    _, fp32, fp16 = made(encoder)
    kinds = {fill.source: fill.kind for fill in fp16.fills}
    assert kinds.keys() == {fill.source for fill in fp32.fills}
    whole = {source for source, kind in kinds.items() if kind is FillKind.FLOAT}
    assert whole == {"gate.weight", "gate.bias", "head.weight", "head.bias"}
    assert {kind for source, kind in kinds.items() if source not in whole} == {FillKind.HALF}


def test_other_weights_take_the_same_graph_and_none_is_inside(encoder: EncoderFiles) -> None:
    tensors, fp32, fp16 = made(encoder)
    others = {name: value + np.float32(0.01) for name, value in tensors.items()}
    whole, half = (logits(assemble(graph, others), encoder) for graph in (fp32, fp16))
    assert np.abs(whole - half).max() < 0.02 * np.abs(whole).max()
    assert np.abs(whole - logits(assemble(fp32, tensors), encoder)).max() > 1e-3
    left = onnx.load_model_from_string(fp16.graph).graph.initializer
    assert max(np.prod(i.dims) for i in left) < 10


def test_a_weight_that_no_tensor_gives_is_refused(
    encoder: EncoderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fusion of another release might merge weights: they would be the random twin's."""
    monkeypatch.setattr(module, "_LARGEST_CONSTANT", 0)
    with pytest.raises(ModelFileError, match="that no tensor gives"):
        made(encoder)

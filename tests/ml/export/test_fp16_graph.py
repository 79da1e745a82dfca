"""The graph for a graphics card: operators are fused, layers halved, and it stays the same function."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest

from ml.errors import ModelFileError
from ml.export import fp16_graph as module
from ml.export.fp16_graph import fp16_graph
from ml.inference.graph_template import FillKind, GraphTemplate, assemble
from ml.inference.providers import open_session
from ml.inference.version_loading import merged_tensors
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import EncoderFiles
from ml.text.tokenizer import TextTokenizer, token_batch
from tests.ml.export.conftest import TEXTS, Exported, Published

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fp16(exported: Exported) -> GraphTemplate:
    return fp16_graph(exported.twin, exported.fp32)


def logits(onnx_bytes: bytes, encoder: EncoderFiles) -> np.ndarray[Any, Any]:
    feed = token_batch(TextTokenizer(encoder.tokenizer_json, max_tokens=32, overlap=4).windows(TEXTS)).feed()
    found: np.ndarray[Any, Any] = open_session(onnx_bytes, provider="cpu", threads=1).run(None, feed)[0]
    return found


def test_it_is_the_same_function_within_half_precision(
    exported: Exported, fp16: GraphTemplate, encoder: EncoderFiles
) -> None:
    whole, half = (logits(assemble(graph, exported.tensors), encoder) for graph in (exported.fp32, fp16))
    assert 0 < np.abs(whole - half).max() < 0.02 * np.abs(whole).max()
    assert half.dtype == np.float32


@pytest.mark.parametrize("scope", ["adapter", "prefix"])
def test_it_is_so_with_layers_that_training_added(
    publish: Callable[[str], Published], encoder: EncoderFiles, scope: str
) -> None:
    changed, result = publish(scope)
    tensors = merged_tensors(encoder, read_tensors(changed))
    graphs = (GraphTemplate.from_bytes(result.graphs[precision]) for precision in ("fp32", "fp16"))
    whole, half = (logits(assemble(graph, tensors), encoder) for graph in graphs)
    assert 0 < np.abs(whole - half).max() < 0.02 * np.abs(whole).max()
    assert half.dtype == np.float32


def test_attention_layer_norms_and_gelu_are_fused(fp16: GraphTemplate, encoder: EncoderFiles) -> None:
    kinds = Counter(node.op_type for node in onnx.load_model_from_string(fp16.graph).graph.node)
    layers = encoder.config["num_hidden_layers"]
    assert kinds["MultiHeadAttention"] == kinds["BiasGelu"] == layers
    assert kinds["SkipLayerNormalization"] == 2 * layers + 1
    assert kinds["Softmax"] == kinds["LayerNormalization"] == 0


def test_layers_are_halved_and_the_head_is_not(exported: Exported, fp16: GraphTemplate) -> None:
    kinds = {fill.source: fill.kind for fill in fp16.fills}
    assert kinds.keys() == {fill.source for fill in exported.fp32.fills}
    whole = {source for source, kind in kinds.items() if kind is FillKind.FLOAT}
    assert whole == {"gate.weight", "gate.bias", "head.weight", "head.bias"}
    assert {kind for source, kind in kinds.items() if source not in whole} == {FillKind.HALF}


def test_other_weights_take_the_same_graph_and_none_is_inside(
    exported: Exported, fp16: GraphTemplate, encoder: EncoderFiles
) -> None:
    tensors, _, fp32 = exported
    others = {name: value + np.float32(0.01) for name, value in tensors.items()}
    whole, half = (logits(assemble(graph, others), encoder) for graph in (fp32, fp16))
    assert np.abs(whole - half).max() < 0.02 * np.abs(whole).max()
    assert np.abs(whole - logits(assemble(fp32, tensors), encoder)).max() > 1e-3
    left = onnx.load_model_from_string(fp16.graph).graph.initializer
    assert max(np.prod(i.dims) for i in left) < 10


def test_a_weight_that_no_tensor_gives_is_refused(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fusion of another release might merge weights: they would be the random twin's."""
    monkeypatch.setattr(module, "_LARGEST_CONSTANT", 0)
    with pytest.raises(ModelFileError, match="that no tensor gives"):
        fp16_graph(exported.twin, exported.fp32)

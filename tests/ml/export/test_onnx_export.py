"""The exported model is the same function as torch's, at every batch size and length."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from ml.errors import ModelFileError, ProviderUnavailable
from ml.export.parity import measure_parity
from ml.export.worker import run_export, serve
from ml.frames import read_frame, write_frame
from ml.inference.graph_template import GraphTemplate, assemble
from ml.inference.predictor import Predictor
from ml.inference.reading import log_softmax
from ml.inference.version_loading import (
    card_precision,
    cpu_precision,
    load_predictor,
    merged_tensors,
    version_onnx,
)
from ml.registry.export_job import ExportRequest, ExportResult, exported_version
from ml.registry.model_version import CARD_FILE, MANIFEST_FILE, ModelCard, VersionContent, pack_version
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.text.encoder_files import EncoderFiles
from ml.text.tokenizer import TextTokenizer, token_batch
from ml.training.added_layers import added_names
from ml.training.classifier import build_classifier
from ml.training.scopes import SCOPES
from tests.ml.export.conftest import TEXTS, Published
from tests.ml.tiny_model import LABELS, head_tensors, write_tiny_encoder

pytestmark = pytest.mark.slow
Graphs = dict[str, GraphTemplate]


@pytest.fixture(scope="module")
def tokenizer(encoder: EncoderFiles) -> TextTokenizer:
    return TextTokenizer(encoder.tokenizer_json, max_tokens=32, overlap=4)


@pytest.fixture(scope="module")
def served(encoder: EncoderFiles) -> tuple[ExportRequest, ExportResult]:
    request = ExportRequest(
        write_tensors(head_tensors()),
        LABELS,
        TEXTS,
        encoder_dir=str(encoder.weights_path.parent),
        threads=1,
        calibration=TEXTS,
    )
    requests, replies = io.BytesIO(), io.BytesIO()
    write_frame(requests, msgspec.to_builtins(request, builtin_types=(bytes,)))
    requests.seek(0)
    assert serve(requests, replies) == 0
    replies.seek(0)
    frames = list(iter(lambda: read_frame(replies), None))
    assert [f["kind"] for f in frames] == ["progress", "progress", "done"]
    return request, msgspec.convert(frames[-1]["result"], ExportResult)


@pytest.fixture(scope="module")
def graphs(served: tuple[ExportRequest, ExportResult]) -> Graphs:
    return {precision: GraphTemplate.from_bytes(data) for precision, data in served[1].graphs.items()}


@pytest.fixture(scope="module")
def content(encoder: EncoderFiles, served: tuple[ExportRequest, ExportResult]) -> VersionContent:
    card = ModelCard("tiny", "", "head", encoder.name, encoder.weights_sha256, len(LABELS))
    return exported_version(*served, card)


def predictor(graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer) -> Predictor:
    onnx = assemble(graphs["fp32"], merged_tensors(encoder, head_tensors()))
    return Predictor.load(onnx, tokenizer, LABELS, provider="cpu", threads=1)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_onnx_gives_torchs_logits(
    graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer, rows: int
) -> None:
    tensors = merged_tensors(encoder, head_tensors())
    classifier = build_classifier(tensors, LABELS, encoder.config)
    batch = token_batch(tokenizer.windows(TEXTS)[:rows])
    with torch.inference_mode():
        expected = classifier(**{n: torch.from_numpy(a) for n, a in batch.feed().items()}).numpy()
    model = predictor(graphs, encoder, tokenizer)
    assert np.abs(model.run_batch(batch.feed()) - expected).max() < 1e-4


def test_one_graph_serves_other_weights(
    graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer
) -> None:
    shifted = {n: t + np.float32(0.01) for n, t in merged_tensors(encoder, head_tensors(9)).items()}
    classifier = build_classifier(shifted, LABELS, encoder.config)
    models = {kind: assemble(graph, shifted) for kind, graph in graphs.items()}
    parity = measure_parity(classifier, models, tokenizer, texts=TEXTS)
    assert parity.fp32_max_abs_diff < 1e-4
    assert parity.fp32_same_top1 == 1


@pytest.mark.parametrize("scope", ["adapter", "prefix"])
def test_layers_that_training_added_are_in_the_published_graph(
    encoder: EncoderFiles, graphs: Graphs, publish: Callable[[str], Published], scope: str
) -> None:
    assert SCOPES[scope].fold is None  # the layers stay
    tensors, result = publish(scope)
    assert result.parity.fp32_max_abs_diff < 1e-3
    assert result.parity.int8_max_abs_diff < 0.2
    graph = GraphTemplate.from_bytes(result.graphs["fp32"])
    added = set(added_names(read_tensors(tensors)))
    assert added
    assert added <= {fill.source for fill in graph.fills}
    whole = merged_tensors(encoder, read_tensors(tensors))
    plain = {name: tensor for name, tensor in whole.items() if name not in added}
    with_them, without = assemble(graph, whole), assemble(graphs["fp32"], plain)
    with pytest.raises(ModelFileError, match="no place for the tensor"):
        assemble(graphs["fp32"], whole)
    reader = TextTokenizer(encoder.tokenizer_json)
    logits = [
        Predictor.load(onnx, reader, LABELS, provider="cpu", threads=1).logits(TEXTS)
        for onnx in (with_them, without)
    ]
    assert np.abs(logits[0] - logits[1]).max() > 1e-3


def test_another_function_is_not_published(
    graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer
) -> None:
    classifier = build_classifier(merged_tensors(encoder, head_tensors()), LABELS, encoder.config)
    wrong = merged_tensors(encoder, head_tensors(5))
    models = {kind: assemble(graph, wrong) for kind, graph in graphs.items()}
    with pytest.raises(ModelFileError, match="not published"):
        measure_parity(classifier, models, tokenizer, texts=TEXTS)


def test_graphs_hold_no_weights(graphs: Graphs) -> None:
    filled = {fill.source for fill in graphs["fp32"].fills}
    assert {"head.weight", "head.bias", "gate.weight", "encoder.embeddings.word_embeddings.weight"} <= filled
    assert {f.source for f in graphs["int8"].fills} - set(graphs["int8"].vectors) == filled
    assert {f.source for f in graphs["fp16"].fills} == filled


def test_a_long_text_is_the_token_weighted_mean_of_its_windows(
    graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer
) -> None:
    model = predictor(graphs, encoder, tokenizer)
    text = "fever arm leg seizure " * 20
    windows = tokenizer.windows([text])
    assert len(windows) > 2
    rows = [model.run_batch(token_batch([w]).feed())[0] for w in windows]
    weights = [len(w.ids) - 2 for w in windows]
    slow = sum(r * w for r, w in zip(rows, weights, strict=True)) / sum(weights)
    assert np.allclose(model.logits([text])[0], slow, atol=1e-4)


def test_log_probabilities_are_normalised_and_an_empty_text_is_uniform(
    graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer
) -> None:
    rows = predictor(graphs, encoder, tokenizer).log_probabilities(["fever", "", "  \n"])
    assert np.allclose(np.exp(rows).sum(axis=1), 1)
    assert np.allclose(rows[1:], -np.log(len(LABELS)))
    assert not np.allclose(rows[0], rows[1])


def test_no_texts_give_no_rows(graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer) -> None:
    assert predictor(graphs, encoder, tokenizer).log_probabilities([]).shape == (0, len(LABELS))


def test_log_softmax_does_not_overflow() -> None:
    assert np.allclose(np.exp(log_softmax(np.array([[1e4, 1e4]]))), 0.5)


def test_cuda_is_refused_aloud_where_there_is_none(
    graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer
) -> None:
    onnx = assemble(graphs["fp32"], merged_tensors(encoder, head_tensors()))
    if Predictor.load(onnx, tokenizer, LABELS, provider="auto").provider == "cuda":
        pytest.skip("this machine has CUDA")
    with pytest.raises(ProviderUnavailable, match="CUDA"):
        Predictor.load(onnx, tokenizer, LABELS, provider="cuda")


def test_labels_of_another_number_are_refused(
    graphs: Graphs, encoder: EncoderFiles, tokenizer: TextTokenizer
) -> None:
    onnx = assemble(graphs["fp32"], merged_tensors(encoder, head_tensors()))
    with pytest.raises(ModelFileError, match="names 5 diseases, its labels 4"):
        Predictor.load(onnx, tokenizer, LABELS[:4], provider="cpu")


def test_a_version_gives_a_predictor_named_after_it(content: VersionContent, encoder: EncoderFiles) -> None:
    model = load_predictor(content, encoder, provider="cpu")
    assert model.version == content.version.version_id
    assert model.labels == LABELS
    assert content.version.card.parity.fp32_max_abs_diff < 1e-4


def test_another_head_under_the_same_card_is_refused(content: VersionContent, encoder: EncoderFiles) -> None:
    files = content.files | {"tensors.safetensors": write_tensors(head_tensors(7))}
    with pytest.raises(ModelFileError, match="does not give the ONNX file"):
        version_onnx(VersionContent(content.version, files), encoder)


def test_another_encoder_is_refused(content: VersionContent, tmp_path: Path) -> None:
    other = write_tiny_encoder(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(write_tensors({"embeddings.x": np.zeros(3)}))
    from ml.text.encoder_files import find_encoder

    with pytest.raises(ModelFileError, match="needs the encoder"):
        load_predictor(content, find_encoder(other.weights_path.parent), provider="cpu")


def test_the_worker_refuses_foreign_tensors_in_one_line(encoder: EncoderFiles) -> None:
    request = ExportRequest(b"junk", LABELS, ("x",), encoder_dir=str(encoder.weights_path.parent))
    requests, replies = io.BytesIO(), io.BytesIO()
    write_frame(requests, msgspec.to_builtins(request, builtin_types=(bytes,)))
    requests.seek(0)
    assert serve(requests, replies) == 1
    replies.seek(0)
    frame = read_frame(replies)
    assert frame is not None
    assert frame["kind"] == "refused"


def test_stored_tensors_come_back_for_the_next_training(content: VersionContent) -> None:
    back = read_tensors(content.files["tensors.safetensors"])
    assert np.array_equal(back["head.weight"], head_tensors()["head.weight"])


def test_a_version_of_the_same_shape_takes_the_graph_of_its_base(
    served: tuple[ExportRequest, ExportResult],
) -> None:
    again = replace(served[0], tensors=write_tensors(head_tensors(7)), graphs=served[1].graphs)
    *progress, done = run_export(again)
    result = msgspec.convert(done["result"], ExportResult)
    assert [p["text"] for p in progress] == ["comparing ONNX Runtime with torch"]
    assert result.graphs == served[1].graphs
    assert result.onnx_sha256["fp32"] != served[1].onnx_sha256["fp32"]
    assert result.parity.fp32_max_abs_diff < 1e-4


@pytest.mark.parametrize(("agreement", "precision"), [(1.0, "int8"), (0.97, "int8"), (0.82, "fp32")])
def test_int8_runs_only_where_it_names_the_same_first_disease(
    content: VersionContent, agreement: float, precision: str
) -> None:
    card = replace(
        content.version.card, parity=replace(content.version.card.parity, int8_same_top1=agreement)
    )
    measured = VersionContent(replace(content.version, card=card), content.files)
    assert cpu_precision(measured) == precision


@pytest.mark.parametrize(("agreement", "precision"), [(1.0, "fp16"), (0.97, "fp16"), (0.82, "fp32")])
def test_fp16_runs_on_a_card_where_it_names_the_same_first_disease(
    content: VersionContent, agreement: float, precision: str
) -> None:
    card = content.version.card
    assert card.parity.fp16_same_top1 == 1
    assert 0 < card.parity.fp16_max_abs_diff < 0.05
    told = replace(card, parity=replace(card.parity, fp16_same_top1=agreement))
    assert card_precision(VersionContent(replace(content.version, card=told), content.files)) == precision


def test_a_version_of_an_earlier_program_has_no_fp16(content: VersionContent) -> None:
    files = {n: d for n, d in content.files.items() if n not in ("graph.fp16.bin", CARD_FILE, MANIFEST_FILE)}
    told = json.loads(content.files[CARD_FILE])
    del told["onnx_sha256"]["fp16"], told["parity"]["fp16_same_top1"], told["parity"]["fp16_max_abs_diff"]
    card = msgspec.convert(told, ModelCard)
    earlier = pack_version(files, card)
    assert card_precision(earlier) == "fp32"
    assert earlier.graphs.keys() == {"fp32", "int8"}

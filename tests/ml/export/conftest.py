"""The tiny model's graphs, exported once a process for each shape; no test alters them."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pytest
import torch

from ml.export.onnx_export import exported_twin
from ml.export.worker import run_export
from ml.inference.graph_template import GraphTemplate
from ml.inference.version_loading import merged_tensors
from ml.registry.export_job import ExportRequest, ExportResult
from ml.text.encoder_files import EncoderFiles, Tensors
from ml.training.classifier import build_classifier, changed_tensors
from ml.training.scopes import SCOPES
from tests.ml.tiny_model import LABELS, head_tensors, write_tiny_encoder

TEXTS = ("fever", "no seizure . weak arm", "short leg " * 30, "arm")


class Exported(NamedTuple):
    """A classifier's tensors, its twin's ModelProto and fp32 graph."""

    tensors: Tensors
    twin: Any
    fp32: GraphTemplate


class Published(NamedTuple):
    """What training changed, as a tensor file, and what the export worker made of it."""

    changed: bytes
    result: ExportResult


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> EncoderFiles:
    return write_tiny_encoder(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def exported(encoder: EncoderFiles) -> Exported:
    tensors = merged_tensors(encoder, head_tensors())
    return Exported(tensors, *exported_twin(build_classifier(tensors, LABELS, encoder.config)))


@pytest.fixture(scope="session")
def publish(encoder: EncoderFiles) -> Callable[[str], Published]:
    """A scope, prepared and moved as the trainer does, then exported by the worker from its tensors alone."""

    def published(scope: str) -> Published:
        classifier = build_classifier(merged_tensors(encoder, head_tensors()), LABELS, encoder.config)
        SCOPES[scope].prepare(classifier, range(len(LABELS)))
        torch.manual_seed(4)
        with torch.no_grad():
            for parameter in classifier.parameters():
                if parameter.requires_grad:
                    parameter.add_(torch.randn_like(parameter))
        changed, folder = changed_tensors(classifier, encoder.tensors()), str(encoder.weights_path.parent)
        request = ExportRequest(changed, LABELS, TEXTS, encoder_dir=folder, threads=1, calibration=TEXTS)
        (done,) = [r for r in run_export(request) if r["kind"] == "done"]
        return Published(changed, msgspec.convert(done["result"], ExportResult))

    return cache(published)

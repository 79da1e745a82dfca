"""From a version's files to a Predictor: puts the ONNX model together and checks its hash."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ml.errors import ModelFileError
from ml.inference.card_session import CardSession
from ml.inference.graph_template import GraphTemplate, assemble
from ml.inference.int8_sums import adds_int8_right
from ml.inference.predictor import Predictor
from ml.inference.providers import active_provider, cuda_compiled, open_session
from ml.registry.model_version import TENSORS_FILE, VersionContent
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import EncoderFiles
from ml.text.tokenizer import TextTokenizer

LEAST_SAME_TOP1 = 0.97

Tensors = dict[str, np.ndarray[Any, Any]]


def version_tensors(content: VersionContent, encoder: EncoderFiles) -> Tensors:
    """All tensors of a version by name: the encoder's, with the version's changes over them."""
    check_encoder(content, encoder)
    return merged_tensors(encoder, read_tensors(content.files[TENSORS_FILE]))


def merged_tensors(encoder: EncoderFiles, changed: Mapping[str, np.ndarray[Any, Any]]) -> Tensors:
    """The encoder's tensors and an open gate, with the changed ones over them, sorted by name."""
    gate = {
        "gate.weight": np.zeros((1, encoder.hidden_size), np.float32),
        "gate.bias": np.zeros(1, np.float32),
    }
    whole = encoder.tensors() | gate | dict(changed)
    return {name: whole[name] for name in sorted(whole)}


def version_onnx(content: VersionContent, encoder: EncoderFiles, *, precision: str = "int8") -> bytes:
    """The version's ONNX model, `int8`, `fp16` or `fp32`; refuses one whose hash is not the card's."""
    template = GraphTemplate.from_bytes(content.graphs[precision])
    onnx = assemble(template, version_tensors(content, encoder))
    if hashlib.sha256(onnx).hexdigest() != content.version.card.onnx_sha256.get(precision):
        name = content.version.version_id[:12]
        raise ModelFileError(
            f"model version {name} does not give the ONNX file that its card names; publish it again"
        )
    return onnx


def load_predictor(
    content: VersionContent, encoder: EncoderFiles, *, provider: str = "auto", threads: int = 0
) -> Predictor:
    """A predictor of a version, in what `card_precision` says on a graphics card, else `cpu_precision`.

    `auto` takes the processor where no card runs.
    """
    predictor = _predictor(content, encoder, provider=provider, threads=threads)
    predictor.fusion = content.version.card.fusion
    return predictor


def _predictor(content: VersionContent, encoder: EncoderFiles, *, provider: str, threads: int) -> Predictor:
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    labels, version = content.labels, content.version.version_id
    if provider != "cpu" and (cuda_compiled() or provider != "auto"):
        precision = card_precision(content) if provider != "tensorrt" else "fp32"
        onnx = version_onnx(content, encoder, precision=precision)
        recorded = provider != "tensorrt"
        session = open_session(onnx, provider=provider, threads=threads, recorded=recorded)
        if active_provider(session) != "cpu":
            return Predictor(CardSession(session), tokenizer, labels, version)
    onnx = version_onnx(content, encoder, precision=cpu_precision(content))
    return Predictor.load(onnx, tokenizer, labels, provider="cpu", version=version, threads=threads)


def cpu_precision(content: VersionContent) -> str:
    """`int8` where the card measured that it names the same first disease as torch, else `fp32`.

    Also `fp32` where the processor would not compute what the card measured.
    """
    alike = content.version.card.parity.int8_same_top1 >= LEAST_SAME_TOP1
    return "int8" if alike and adds_int8_right() else "fp32"


def card_precision(content: VersionContent) -> str:
    """`fp16` where the version has it and names the same first disease as fp32, else `fp32`."""
    card = content.version.card
    alike = card.parity.fp16_same_top1 >= LEAST_SAME_TOP1
    return "fp16" if "fp16" in card.onnx_sha256 and alike else "fp32"


def check_encoder(content: VersionContent, encoder: EncoderFiles) -> None:
    """Refuse an encoder other than the one the version was made for."""
    card = content.version.card
    if card.encoder_sha256 != encoder.weights_sha256:
        name = content.version.version_id[:12]
        raise ModelFileError(f"model version {name} needs the encoder {card.encoder}; name its directory")

"""Finds the diseases that are named most alike by the text encoder, for the ranking's second look.

Public knowledge only: the names of the diseases of the Human Phenotype Ontology's annotations.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.namesakes import COUNT, Namesakes, to_file
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import build_classifier, encode_texts

SHARPNESS = 0.08  # of the softmax over cosines that gives each namesake its share
CHUNK = 1000
Vectors = npt.NDArray[np.float32]


def build_namesakes(path: Path, graph: CompiledGraph, *, progress: Callable[[str], object]) -> None:
    """Encode every name, compare, write."""
    progress(f"reading the names of {len(graph.disease_names)} diseases")
    filled = np.diff(graph.signatures.indptr) > 0
    vectors = name_vectors(graph.disease_names)
    path.write_bytes(to_file(graph.disease_ids, nearest(vectors, filled=filled)))


def name_vectors(names: Sequence[str]) -> Vectors:
    """The text encoder's vector of each name."""
    encoder = find_encoder()
    head = np.zeros((1, encoder.hidden_size), np.float32)
    tensors = encoder.tensors() | {"head.weight": head, "head.bias": np.zeros(1, np.float32)}
    reader = build_classifier(tensors, ["none"], encoder.config)
    found: Vectors = encode_texts(
        reader, TextTokenizer(encoder.tokenizer_json), spoken_names(names), batch_size=64
    )
    return found


def spoken_names(names: Sequence[str]) -> list[str]:
    """Names without abbreviation, and not in capitals."""
    first = [name.split(";")[0] for name in names]
    return [name.capitalize() if name.isupper() else name for name in first]


def nearest(vectors: Vectors, *, filled: npt.NDArray[np.bool_]) -> Namesakes:
    """Of each disease, those named most alike that have annotations (`filled`)."""
    centred = vectors.astype(np.float32) - vectors.mean(axis=0, dtype=np.float32)
    unit = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    others = np.zeros((len(unit), COUNT), np.int32)
    shares = np.zeros(others.shape, np.float32)
    for start in range(0, len(unit), CHUNK):
        span = slice(start, start + CHUNK)
        alike = unit[span] @ unit.T
        alike[:, ~filled] = -1
        alike[np.arange(len(alike)), np.arange(start, start + len(alike))] = -1
        others[span] = np.argsort(-alike, axis=1, kind="stable")[:, :COUNT]
        best = np.take_along_axis(alike, others[span], axis=1)
        weight = np.exp((best - best[:, :1]) / SHARPNESS)
        shares[span] = weight / weight.sum(axis=1, keepdims=True)
    return Namesakes(others, shares)

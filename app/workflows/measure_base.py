"""Measures tensors on public synthetic notes that no training ever saw: no export, no patient."""

from dataclasses import dataclass

import numpy as np

from app.workflows.synthetic_notes import HELD_OUT_STYLES, SyntheticNotes
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.errors import ModelFileError
from ml.evaluation.ranking_quality import top_k, true_ranks
from ml.federated.payload import Tensors
from ml.inference.graph_template import GraphTemplate, assemble
from ml.inference.predictor import Predictor
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import EncoderFiles
from ml.text.tokenizer import TextTokenizer

SEED = 20_250_116


@dataclass(frozen=True, slots=True)
class PublicNotes:
    """Synthetic notes and, for each, the row of its disease."""

    texts: tuple[str, ...]
    rows: tuple[int, ...]


def public_notes(graph: CompiledGraph, labels: tuple[str, ...], *, per_style: int) -> PublicNotes:
    """Notes in the held-out styles, of diseases that the model can name; the same at every site."""
    places = {label: row for row, label in enumerate(labels)}
    notes = SyntheticNotes(graph, seed=SEED)
    texts: list[str] = []
    rows: list[int] = []
    for style in HELD_OUT_STYLES:
        written, truth = notes.held_out(style, per_style)
        named = [graph.disease_ids[disease] for disease in truth.tolist()]
        kept = [(t, places[d]) for t, d in zip(written, named, strict=True) if d in places]
        texts += [text for text, _ in kept]
        rows += [row for _, row in kept]
    if not texts:
        raise ModelFileError("the model names no disease of the knowledge graph; install matching releases")
    return PublicNotes(tuple(texts), tuple(rows))


def top10_of(whole: Tensors, encoder: EncoderFiles, notes: PublicNotes, *, threads: int = 2) -> float:
    """The share of notes whose disease is among the first ten; `whole` are all tensors of the classifier."""
    start = starting_version()
    onnx = assemble(GraphTemplate.from_bytes(start.graphs["fp32"]), whole)
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    model = Predictor.load(
        onnx, tokenizer, start.labels, provider="cpu", version="candidate", threads=threads
    )
    ranks = true_ranks(model.logits(notes.texts), np.array(notes.rows))
    return top_k(ranks, 10)

"""Measures the starting model: fifty diseases in styles it never saw, and short texts by the names of
diseases that it was never taught (zero-shot).
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.config.settings import cache_dir
from app.errors import UsageError
from app.workflows.synthetic_notes import HELD_OUT_DISEASES, HELD_OUT_STYLES, SyntheticNotes
from knowledge_graph.graph.cache import load_compiled
from ml.evaluation.ranking_quality import top_k, true_ranks
from ml.evaluation.zero_shot import zero_shot_scores
from ml.inference.predictor import Predictor
from ml.inference.version_loading import load_predictor
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import find_encoder

NOTES = 200  # of each style


def measure(
    progress: Callable[..., None], *, size: int | None = None, data: str | None = None
) -> dict[str, object]:
    """Top-1 and top-5 of synthetic notes and, with `data`, of its `texts/symptom2disease*.jsonl.gz`."""
    model = load_predictor(starting_version(), find_encoder(), provider="cpu")
    progress("reading synthetic notes of unseen styles")
    found = _fifty_diseases(model, size or NOTES)
    if data is not None:
        progress("reading short texts by names never taught")
        found |= _zero_shot(model, Path(data), size)
    return found


def _fifty_diseases(model: Predictor, count: int) -> dict[str, object]:
    graph = load_compiled(cache_dir())
    notes = SyntheticNotes(graph, seed=0)
    among = notes.some_diseases(HELD_OUT_DISEASES)
    columns = [model.labels.index(graph.disease_ids[d]) for d in among.tolist()]
    found: dict[str, object] = {}
    for style in HELD_OUT_STYLES:
        texts, truth = notes.held_out(style, count, among=among)
        ranks = true_ranks(model.logits(texts)[:, columns], np.searchsorted(among, truth))
        found |= {f"{style}, {len(among)} diseases, top-{k}": top_k(ranks, k) for k in (1, 5)}
    return found


def _zero_shot(model: Predictor, folder: Path, size: int | None) -> dict[str, object]:
    path = next(iter(sorted(folder.glob("texts/symptom2disease*.jsonl.gz"))), None)
    if path is None:
        raise UsageError(f"{folder} holds no texts/symptom2disease*.jsonl.gz; name another folder by --data")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    labels = sorted({row["label"] for row in rows})
    chosen = np.random.default_rng(0).permutation(len(rows))[:size].tolist()
    truth = np.array([labels.index(rows[i]["label"]) for i in chosen])
    scores = zero_shot_scores(model.logits([rows[i]["text"] for i in chosen]), model.logits(labels))
    ranks = true_ranks(scores, truth)
    return {
        "zero-shot texts": len(chosen),
        "zero-shot names": len(labels),
        **{f"zero-shot top-{k}": top_k(ranks, k) for k in (1, 5)},
    }

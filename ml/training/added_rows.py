"""Fits rows for new diseases beside a head that stays as it is.

Softmax regression over old and new rows, the old ones frozen: their share of each normaliser is summed up
once, so all notes are seen in every step (L-BFGS). New diseases are drawn more often than old ones; their
logits are moved by the log of how much more while the rows are fitted (Menon et al. 2021), so that in use
every disease is as likely as any other before anything is read.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ml.training.starting_head import Head

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class ReadNotes:
    """Features (notes, hidden) and the true rows (notes,): those of old labels first, then the new ones."""

    features: FloatArray
    truth: IntArray


def fit_added_rows(
    frozen: Head, count: int, notes: ReadNotes, *, penalty: float = 1e-5, iterations: int = 100
) -> Head:
    """`count` new rows. `penalty` holds them near a first guess: half the squared distance, times it."""
    known = len(frozen.bias)
    old = torch.from_numpy(frozen.logits(notes.features))
    features, truth = torch.from_numpy(notes.features), torch.from_numpy(notes.truth)
    rest, own = old.logsumexp(1), old.gather(1, truth.clamp(max=known - 1)[:, None])[:, 0]
    added, rows = truth >= known, (truth - known).clamp(min=0)
    oversampled = math.log((int(added.sum()) / count) / (int((~added).sum()) / known))
    first = torch.from_numpy(first_rows(count, known, notes))
    change = nn.Parameter(torch.zeros_like(first))
    optimizer = torch.optim.LBFGS([change], max_iter=iterations, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        whole = first + change
        new = features @ whole[:, :-1].T + whole[:, -1] + oversampled
        right = torch.where(added, new.gather(1, rows[:, None])[:, 0], own)
        missed = torch.logaddexp(rest, new.logsumexp(1)) - right
        value: torch.Tensor = missed.mean() + penalty / 2 * (change[:, :-1] ** 2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    fitted = (first + change.detach()).numpy()
    return Head(fitted[:, :-1].copy(), fitted[:, -1].copy())


def first_rows(count: int, known: int, notes: ReadNotes, *, scale: float = 0.05) -> FloatArray:
    """(count, hidden + 1): each new row points from the mean note at the mean note of its own; bias last."""
    mean = notes.features.mean(0)
    weight = np.zeros((count, len(mean)), np.float32)
    for row in range(count):
        if (own := notes.truth == known + row).any():
            weight[row] = (notes.features[own].mean(0) - mean) * scale
    return np.concatenate([weight, -(weight @ mean)[:, None]], axis=1).astype(np.float32)

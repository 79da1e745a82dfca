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


def described_rows(frozen: Head, described: FloatArray, others: FloatArray, *, scale: float = 0.14) -> Head:
    """Rows from words alone: each points from the mean of other diseases' notes at its own description.

    `described` (count, hidden) and `others` (notes, hidden) are features. The biases are such that over the
    others' notes each new row is as likely as any old one.
    """
    mean = others.mean(0)
    weight = ((described - mean) * scale).astype(np.float32)
    whole = torch.from_numpy(frozen.logits(others)).logsumexp(1).numpy()
    ratio = np.exp((others - mean) @ weight.T - whole[:, None]).mean(0)
    bias = -(weight @ mean) - np.log(ratio * len(frozen.bias))
    return Head(weight, bias.astype(np.float32))


def fit_added_rows(
    frozen: Head, first: Head, notes: ReadNotes, *, penalty: float = 3e-3, iterations: int = 60
) -> Head:
    """The new rows from a first guess; `penalty` holds them near it: half the squared distance, times it."""
    known, count = len(frozen.bias), len(first.bias)
    old = torch.from_numpy(frozen.logits(notes.features))
    features, truth = torch.from_numpy(notes.features), torch.from_numpy(notes.truth)
    rest, own = old.logsumexp(1), old.gather(1, truth.clamp(max=known - 1)[:, None])[:, 0]
    added, rows = truth >= known, (truth - known).clamp(min=0)
    oversampled = math.log((int(added.sum()) / count) / (int((~added).sum()) / known))
    guess = torch.from_numpy(np.concatenate([first.weight, first.bias[:, None]], axis=1))
    change = nn.Parameter(torch.zeros_like(guess))
    optimizer = torch.optim.LBFGS([change], max_iter=iterations, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        whole = guess + change
        new = features @ whole[:, :-1].T + whole[:, -1] + oversampled
        right = torch.where(added, new.gather(1, rows[:, None])[:, 0], own)
        missed = torch.logaddexp(rest, new.logsumexp(1)) - right
        value: torch.Tensor = missed.mean() + penalty / 2 * (change[:, :-1] ** 2).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    fitted = (guess + change.detach()).numpy()
    return Head(fitted[:, :-1].copy(), fitted[:, -1].copy())

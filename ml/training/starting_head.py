"""Fits the head of the starting model on frozen features of synthetic patients.

Softmax regression over all diseases from a first guess (each disease's own name and findings),
by AdamW on minibatches; the mean of the last weights is kept (Polyak and Juditsky 1992).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ml.training.phrase_bank import PhraseBank

FloatArray = np.ndarray[Any, np.dtype[np.float32]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]
Batch = tuple[FloatArray, IntArray]


@dataclass(frozen=True, slots=True)
class Head:
    """`weight` (labels, hidden) and `bias` (labels,)."""

    weight: FloatArray
    bias: FloatArray

    def logits(self, features: FloatArray) -> FloatArray:
        """Scores (rows, labels)."""
        scores: FloatArray = features @ self.weight.T + self.bias
        return scores


@dataclass(frozen=True, slots=True)
class Mixture:
    """Where training features come from: phrases to be mixed, and whole notes already read.

    `rows` are the phrases of each patient of `diseases`; `profiles` those of each label; `prose` is
    the range of phrases that say nothing. `read` are features of whole notes of `read_truth`.
    """

    bank: PhraseBank
    rows: Sequence[IntArray]
    diseases: IntArray
    profiles: Sequence[IntArray]
    prose: tuple[int, int]
    read: FloatArray
    read_truth: IntArray

    def batches(self, rng: np.random.Generator, *, size: int) -> Iterator[Batch]:
        """Endless minibatches; a third comes from whole notes where there are any."""
        whole = size // 3 if len(self.read) else 0
        while True:
            patients = rng.integers(0, len(self.rows), size - whole)
            notes = rng.integers(0, len(self.read), whole) if whole else np.zeros(0, np.int64)
            features = np.concatenate([self._mixed(patients, rng), self.read[notes]])
            yield features, np.concatenate([self.diseases[patients], self.read_truth[notes]])

    def _mixed(self, patients: IntArray, rng: np.random.Generator) -> FloatArray:
        told = []
        for patient in patients.tolist():
            prose = rng.integers(*self.prose, size=int(rng.integers(1, 8)))
            told.append(np.concatenate([self.rows[patient], prose]))
        return self.bank.mix(*_ragged(told))


def first_head(mixture: Mixture, *, scale: float = 0.05) -> Head:
    """A first guess from words alone: each label's row points at its own name and findings."""
    profiles = mixture.bank.mix(*_ragged(mixture.profiles))
    mean = profiles.mean(0)
    weight = ((profiles - mean) * scale).astype(np.float32)
    return Head(weight, (-(weight @ mean)).astype(np.float32))


def _ragged(rows: Sequence[IntArray]) -> tuple[IntArray, IntArray]:
    lengths = np.fromiter((len(r) for r in rows), np.int64, len(rows))
    return np.concatenate(rows), np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])


@dataclass(frozen=True, slots=True)
class FitProgress:
    """Mean loss of the steps since the last report."""

    step: int
    loss: float


def fit_head(
    start: Head, batches: Iterable[Batch], *, steps: int, learning_rate: float = 2e-3, decay: float = 1e-2
) -> Iterator[FitProgress | Head]:
    """Yield progress every 50 steps and, last, the head. Data is public: losses may be shown."""
    weight, bias = (nn.Parameter(torch.from_numpy(a.copy())) for a in (start.weight, start.bias))
    groups = [{"params": [weight], "weight_decay": decay}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=learning_rate / 20)
    losses: list[float] = []
    averaged = _Average(first_step=steps * 4 // 5)
    for step, (features, truth) in enumerate(batches, 1):
        logits = nn.functional.linear(torch.from_numpy(features), weight, bias)
        loss = nn.functional.cross_entropy(logits, torch.from_numpy(truth))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        averaged.add(step, weight, bias)
        losses.append(loss.item())
        if len(losses) == 50:
            yield FitProgress(step, float(np.mean(losses)))
            losses.clear()
        if step == steps:
            break
    yield averaged.head()


class _Average:
    """Running mean of the parameters from one step on."""

    def __init__(self, *, first_step: int):
        self._first_step = first_step
        self._count = 0
        self._weight = self._bias = torch.zeros(0)

    def add(self, step: int, weight: torch.Tensor, bias: torch.Tensor) -> None:
        if step < self._first_step and self._count == 0:
            self._weight, self._bias = weight.detach(), bias.detach()
            return
        self._count += 1
        if self._count == 1:
            self._weight, self._bias = weight.detach().clone(), bias.detach().clone()
        else:
            self._weight += (weight.detach() - self._weight) / self._count
            self._bias += (bias.detach() - self._bias) / self._count

    def head(self) -> Head:
        return Head(self._weight.numpy().copy(), self._bias.numpy().copy())

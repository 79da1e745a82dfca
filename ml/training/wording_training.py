"""Learns a WordingEncoder's rows from the ontology's own synonyms.

First the rows imitate a text encoder on single wordings and common words, so that words no synonym
teaches still lie somewhere sensible. Then two wordings of one term are pulled together and apart from those
of all other terms in the batch (InfoNCE: van den Oord et al. 2018, arXiv 1807.03748; for synonyms as in
SapBERT: Liu et al. 2021, arXiv 2010.11784), and a term's description towards its wordings. Pieces are left
out at random, so that no wording is known by one word alone.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ml.linking.wording_encoder import Floats, WordingEncoder, unit, wording_pieces

SIZE = 128
LEAST_SEEN = 2  # wordings that must have a piece
IMITATION_STEPS, IMITATION_BATCH, IMITATION_RATE = 150, 2048, 0.02
EPOCHS, BATCH, RATE = 20, 768, 0.01
DESCRIPTIONS, DESCRIPTION_WEIGHT = 512, 0.5
TEMPERATURE, LEFT_OUT = 0.08, 0.2

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Teaching:
    """The wordings of each term; descriptions by the term's place; texts with their teacher's vectors."""

    terms: Sequence[Sequence[str]]
    descriptions: Mapping[int, str]
    read: Sequence[str]
    vectors: Floats


@dataclass(frozen=True, slots=True)
class LearningProgress:
    """`step` of `steps`, and the loss there; the data is public."""

    step: int
    steps: int
    loss: float


def learn_wordings(teaching: Teaching, *, seed: int = 0) -> Iterator[LearningProgress | WordingEncoder]:
    """Yields progress every 20 steps and, last, the encoder."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    counted = _Counted.of(teaching)
    rows = nn.EmbeddingBag(len(counted.vocabulary), SIZE, mode="sum")
    nn.init.normal_(rows.weight, std=0.1 / math.sqrt(SIZE))
    learner = _Learner(rows, counted, rng)
    yield from learner.run(learner.imitations(teaching), rate=IMITATION_RATE, steps=IMITATION_STEPS)
    batches = _Batches(teaching, rng)
    yield from learner.run(learner.contrasts(batches), rate=RATE, steps=batches.steps)
    weights = rows.weight.detach().numpy() * counted.rarity[:, None]
    yield WordingEncoder(counted.vocabulary, weights.astype(np.float32))


@dataclass(frozen=True, slots=True)
class _Counted:
    """Which pieces are common enough to learn, and how much their rarity counts."""

    vocabulary: dict[str, int]
    rarity: Floats

    @classmethod
    def of(cls, teaching: Teaching) -> "_Counted":
        texts = dict.fromkeys(w for wordings in teaching.terms for w in wordings)
        texts |= dict.fromkeys((*teaching.descriptions.values(), *teaching.read))
        seen = Counter(piece for text in texts for piece in wording_pieces(text))
        kept = sorted(piece for piece, count in seen.items() if count >= LEAST_SEEN)
        rarity = np.log(len(texts) / np.array([seen[piece] for piece in kept], np.float32))
        return cls({piece: number for number, piece in enumerate(kept)}, rarity.astype(np.float32))

    def rows(self, text: str) -> tuple[Ints, Floats]:
        """Numbers and weights of a text's pieces, the weights of length 1."""
        known = [(self.vocabulary[p], w) for p, w in wording_pieces(text).items() if p in self.vocabulary]
        numbers = np.array([n for n, _ in known], np.int64)
        weights = np.array([w for _, w in known], np.float32) * self.rarity[numbers]
        return numbers, unit(weights[None])[0]


class _Batches:
    """What is drawn for each step of the second part."""

    def __init__(self, teaching: Teaching, rng: np.random.Generator):
        self._terms, self._descriptions, self._rng = teaching.terms, teaching.descriptions, rng
        self._several = np.array([i for i, w in enumerate(teaching.terms) if len(w) > 1], np.int64)
        self._alone = np.array([i for i, w in enumerate(teaching.terms) if len(w) == 1], np.int64)
        self._described = np.array(sorted(teaching.descriptions), np.int64)
        self.size = min(BATCH, len(self._several))
        self.steps = EPOCHS * math.ceil(len(self._several) / max(self.size, 1))

    def pairs(self) -> tuple[list[str], list[str], list[str]]:
        """Two wordings of each of many terms, and the names of others that have no synonym."""
        chosen = self._drawn(self._several, self.size)
        pairs = [self._rng.permutation(len(self._terms[t]))[:2] for t in chosen]
        left = [self._terms[t][pair[0]] for t, pair in zip(chosen, pairs, strict=True)]
        right = [self._terms[t][pair[1]] for t, pair in zip(chosen, pairs, strict=True)]
        return left, right, [self._terms[t][0] for t in self._drawn(self._alone, self.size)]

    def described(self) -> tuple[list[str], list[str]]:
        """Descriptions, and a wording of each one's term."""
        chosen = self._drawn(self._described, DESCRIPTIONS)
        wordings = [self._terms[t][int(self._rng.integers(len(self._terms[t])))] for t in chosen]
        return [self._descriptions[t] for t in chosen], wordings

    def _drawn(self, among: Ints, count: int) -> list[int]:
        drawn: list[int] = self._rng.choice(among, min(count, len(among)), replace=False).tolist()
        return drawn


class _Learner:
    """The rows under training; texts are counted once."""

    def __init__(self, rows: nn.EmbeddingBag, counted: _Counted, rng: np.random.Generator):
        self._rows, self._counted, self._rng = rows, counted, rng
        self._known: dict[str, tuple[Ints, Floats]] = {}

    def run(
        self, losses: Iterable[torch.Tensor], *, rate: float, steps: int
    ) -> Iterator[LearningProgress | WordingEncoder]:
        """Adam, its rate falling to nothing."""
        optimizer = torch.optim.Adam(self._rows.parameters(), lr=rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
        for step, loss in zip(range(1, steps + 1), losses, strict=False):
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            if step % 20 == 0 or step == steps:
                yield LearningProgress(step, steps, loss.item())

    def imitations(self, teaching: Teaching) -> Iterator[torch.Tensor]:
        """How far random texts lie from their teacher's directions."""
        wanted = torch.from_numpy(_principal(teaching.vectors))
        while True:
            chosen = self._rng.integers(0, len(teaching.read), IMITATION_BATCH)
            found = self._directions([teaching.read[i] for i in chosen])
            yield 1 - (found * wanted[chosen]).sum(1).mean()

    def contrasts(self, batches: _Batches) -> Iterator[torch.Tensor]:
        """Each wording has to find its other one among those of the whole batch."""
        while True:
            left, right, others = batches.pairs()
            one, other, alone = self._left_out(left), self._left_out(right), self._left_out(others)
            loss = (_contrast(one, other, alone) + _contrast(other, one, alone)) / 2
            told, wordings = batches.described()
            if told:
                loss = loss + DESCRIPTION_WEIGHT * _contrast(
                    self._left_out(told), self._left_out(wordings), other
                )
            yield loss

    def _left_out(self, texts: Sequence[str]) -> torch.Tensor:
        return self._directions(texts, left_out=LEFT_OUT)

    def _directions(self, texts: Sequence[str], *, left_out: float = 0.0) -> torch.Tensor:
        if not texts:
            return torch.zeros((0, SIZE))
        parts = [self._pieces(text) for text in texts]
        weights = np.concatenate([w for _, w in parts])
        if left_out:
            weights = weights * (self._rng.random(len(weights)) >= left_out)
        ends = np.cumsum([len(n) for n, _ in parts])
        summed = self._rows(
            torch.from_numpy(np.concatenate([n for n, _ in parts])),
            torch.from_numpy(np.concatenate([[0], ends[:-1]])),
            per_sample_weights=torch.from_numpy(weights.astype(np.float32)),
        )
        return nn.functional.normalize(summed, dim=-1)

    def _pieces(self, text: str) -> tuple[Ints, Floats]:
        if text not in self._known:
            self._known[text] = self._counted.rows(text)
        return self._known[text]


def _contrast(asked: torch.Tensor, right: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
    """InfoNCE: row i of `right` belongs to row i of `asked`, all others and `wrong` do not."""
    near = asked @ torch.cat([right, wrong]).T / TEMPERATURE
    return nn.functional.cross_entropy(near, torch.arange(len(asked)))


def _principal(vectors: Floats) -> Floats:
    """The teacher's vectors, centred, in their SIZE strongest directions, of length 1."""
    centred = vectors - vectors.mean(axis=0)
    _, strength, directions = np.linalg.svd(centred.T @ centred)
    kept = directions[: min(SIZE, len(strength))]
    found = np.zeros((len(vectors), SIZE), np.float32)
    found[:, : len(kept)] = centred @ kept.T
    return unit(found)

"""New rows are fitted beside old ones as a plain softmax over all of them would be."""

import numpy as np
import torch

from ml.training.added_rows import ReadNotes, described_rows, fit_added_rows
from ml.training.starting_head import Head

OLD, NEW, HIDDEN, PENALTY = 5, 2, 4, 1e-2


def _notes() -> tuple[Head, ReadNotes]:
    dice = np.random.default_rng(0)
    frozen = Head(
        dice.standard_normal((OLD, HIDDEN)).astype(np.float32), dice.standard_normal(OLD).astype(np.float32)
    )
    truth = np.concatenate([np.repeat(np.arange(OLD), 8), OLD + np.repeat(np.arange(NEW), 20)])
    middle = np.concatenate([2 * frozen.weight, 2 * dice.standard_normal((NEW, HIDDEN))])
    features = (middle[truth] + dice.standard_normal((len(truth), HIDDEN))).astype(np.float32)
    return frozen, ReadNotes(features, truth)


def _slow_loss(frozen: Head, rows: np.ndarray, notes: ReadNotes, guess: np.ndarray) -> float:
    """Cross-entropy of a softmax over all rows, new ones moved by how much oftener they are drawn."""
    often = np.log((20 * NEW / NEW) / (8 * OLD / OLD))
    logits = np.concatenate(
        [frozen.logits(notes.features), notes.features @ rows[:, :-1].T + rows[:, -1] + often], axis=1
    )
    missed = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(notes.truth))
    return float(missed) + PENALTY / 2 * float(((rows - guess)[:, :-1] ** 2).sum())


def test_no_step_away_from_what_was_fitted_lowers_the_plain_loss() -> None:
    frozen, notes = _notes()
    first = described_rows(frozen, notes.features[-NEW:], notes.features[notes.truth < OLD])
    rows, guess = _whole(fit_added_rows(frozen, first, notes, penalty=PENALTY)), _whole(first)
    best = _slow_loss(frozen, rows, notes, guess)
    assert best < _slow_loss(frozen, guess, notes, guess)
    for place in np.ndindex(*rows.shape):
        for step in (-0.05, 0.05):
            moved = rows.copy()
            moved[place] += step
            assert _slow_loss(frozen, moved, notes, guess) > best - 1e-5


def test_a_described_row_is_as_likely_as_any_old_one_over_others_notes() -> None:
    frozen, notes = _notes()
    others = notes.features[notes.truth < OLD]
    first = described_rows(frozen, notes.features[-NEW:], others)
    old, new = frozen.logits(others), first.logits(others)
    shares = (np.exp(new) / np.exp(old).sum(1, keepdims=True)).mean(0)
    np.testing.assert_allclose(shares, 1 / OLD, rtol=1e-4)
    assert (np.argmax(first.logits(notes.features[-NEW:]), axis=1) == np.arange(NEW)).all()


def _whole(head: Head) -> np.ndarray:
    return np.concatenate([head.weight, head.bias[:, None]], axis=1)

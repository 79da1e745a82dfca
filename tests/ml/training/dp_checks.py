"""What the privacy promise rests on, as checks that run against whatever code is loaded now.

Each raises AssertionError where the promise is broken. The bank of planted bugs breaks the code on
purpose and wants one of them to fail.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ml.privacy import csprng
from ml.training import dp_head

Floats = npt.NDArray[np.float32]
LABELS, HIDDEN, ROWS, CLIP = 6, 4, (0, 2, 3, 5), 0.5
PLAN = dp_head.StepSettings(max_grad_norm=CLIP, noise_multiplier=2.0, expected_batch=8.0, learning_rate=0.1)


def head(labels: int = LABELS, hidden: int = HIDDEN, rows: Any = ROWS) -> dp_head.HeadState:
    """A small head with fixed weights."""
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(labels, hidden)).astype(np.float32)
    return dp_head.HeadState.start(weight, rng.normal(size=labels).astype(np.float32), rows)


def patient(notes: int, *, seed: int = 0, scale: float = 3.0) -> dp_head.PatientFeatures:
    """One synthetic patient."""
    features = scale * np.random.default_rng(seed).normal(size=(notes, HIDDEN))
    return dp_head.PatientFeatures(features.astype(np.float32), ROWS[seed % len(ROWS)])


@contextmanager
def gradients() -> Iterator[list[Floats]]:
    """What each private step hands to Adam, which is what is released."""
    seen: list[Floats] = []
    adam = dp_head.adam_update

    def record(state: Any, gradient: Floats, settings: Any) -> None:
        seen.append(gradient)
        adam(state, gradient, settings)

    dp_head.adam_update = record
    try:
        yield seen
    finally:
        dp_head.adam_update = adam


def released(people: list[dp_head.PatientFeatures], settings: Any = PLAN, *, state: Any = None) -> Floats:
    """The gradient of one private step; a step that releases nothing fails."""
    with gradients() as seen:
        dp_head.private_step(state or head(), people, settings=settings, random=csprng.SecureRandom())
    assert len(seen) == 1, "the step was not taken"
    return seen[0]


def without_noise(people: list[dp_head.PatientFeatures]) -> Floats:
    """The same with the noise multiplier zero."""
    return released(people, dp_head.StepSettings(CLIP, 0.0, PLAN.expected_batch, 0.1))


def one_patient_moves_a_step_by_at_most_the_clip() -> None:
    """With 1 to 1,000 notes, however large, and whoever else was drawn."""
    others = [patient(2, seed=1), patient(1, seed=2)]
    alone = without_noise(others)
    for notes in (1, 3, 1000):
        for scale in (0.1, 3.0, 1e4):
            moved = without_noise([*others, patient(notes, seed=5, scale=scale)]) - alone
            length = float(np.linalg.norm(moved.astype(np.float64))) * PLAN.expected_batch
            assert length <= CLIP * (1 + 1e-4), (notes, scale)


def the_sum_is_of_clipped_patients() -> None:
    """Against one patient after the other, each gradient written out."""
    state, people = head(), [patient(n, seed=n, scale=s) for n, s in ((1, 3.0), (2, 0.05), (5, 3.0))]
    slow = np.zeros((len(ROWS), HIDDEN + 1))
    for person in people:
        inputs = np.c_[person.features, np.ones(len(person.features))].astype(np.float64)
        logits = inputs @ state.weights.T
        errors = np.exp(logits - logits.max(axis=1, keepdims=True))
        errors /= errors.sum(axis=1, keepdims=True)
        errors[:, person.label] -= 1
        gradient = (errors.T @ inputs / len(inputs))[list(ROWS)]
        slow += gradient * min(1.0, CLIP / np.linalg.norm(gradient))
    assert np.allclose(without_noise(people) * PLAN.expected_batch, slow, atol=1e-5)


def noise_has_its_spread_whoever_was_drawn() -> None:
    """Within 1 % on 10^5 coordinates, with nobody and with somebody; and it is normal in its tails."""
    rows = 20_000
    for people in ([], [patient(1, seed=4, scale=1e-6)]):
        noise = released(people, state=head(labels=rows, rows=range(rows))).astype(np.float64)
        noise *= PLAN.expected_batch / (PLAN.noise_multiplier * CLIP)
        assert abs(noise.std() - 1) < 0.01
        assert abs(noise.mean()) < 0.02
        assert 3.5 < np.abs(noise).max() < 7
        assert 2.5 < (noise**4).mean() < 3.5


def noise_is_wider_than_claimed() -> None:
    """By more than single precision can lengthen a patient, and by what she does to the others' rounding."""
    real = csprng.SecureRandom.gaussians
    csprng.SecureRandom.gaussians = lambda _self, count: np.ones(count)  # type: ignore
    try:
        for drawn in (8, 8_000):
            plan = replace(PLAN, expected_batch=drawn)
            told = released([], plan).astype(np.float64) * drawn / (PLAN.noise_multiplier * CLIP)
            least = 1e-4 + 5e-7 * drawn
            assert least < told.min() - 1 <= told.max() - 1 < least + 5e-3
    finally:
        csprng.SecureRandom.gaussians = real  # type: ignore[method-assign]


def noise_never_repeats() -> None:
    """Not between steps, generators, runs; and no seed of numpy or torch foretells it."""
    drawn = []
    random = csprng.SecureRandom()
    for _ in range(3):
        drawn += [random.gaussians(64), csprng.SecureRandom().gaussians(64)]
        np.random.seed(0)
        torch.manual_seed(0)
    assert len({tuple(numbers.tolist()) for numbers in drawn}) == 6
    assert len(np.unique(np.concatenate(drawn))) == 6 * 64
    with gradients() as seen:
        state = head()
        for _ in range(2):
            dp_head.private_step(state, [], settings=PLAN, random=random)
    assert len(seen) == 2, "a step was not taken"
    first, second = seen
    assert not np.array_equal(first, second)


def noise_comes_from_the_operating_system() -> None:
    """The generator's key is what os.urandom gave: the same key, the same stream; another, another."""
    keys = iter([b"a" * 32, b"a" * 32, b"b" * 32])
    real, os.urandom = os.urandom, lambda _count: next(keys)
    try:
        one, same, other = (csprng.SecureRandom().gaussians(16) for _ in range(3))
    finally:
        os.urandom = real
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def noise_hides_the_last_bits() -> None:
    """An odd sum must not stay odd where the noise is the coarser of the two (Mironov 2012)."""
    unit, real = 2.0**-24, dp_head.clipped_sum
    for odd in (0, 1):
        state = head(labels=20_000, hidden=0, rows=range(20_000))
        summed = np.full((20_000, 1), 0.75 + odd * unit, np.float32)
        dp_head.clipped_sum = lambda *_, summed=summed, **_k: summed
        try:
            gradient = released([], dp_head.StepSettings(1.0, 1.0, 1.0, 0.1), state=state)
        finally:
            dp_head.clipped_sum = real
        told = np.abs(gradient.astype(np.float64))
        told = told[(told >= 0.5) & (told < 1.0)] / unit
        assert abs(np.mean(told % 2) - 0.5) < 0.05


def an_empty_draw_is_a_counted_step() -> None:
    """The weights move, Adam counts, and the size is that of noise."""
    state = head()
    before = state.weights.copy()
    assert np.abs(released([], state=state)).max() > 0
    assert state.step == 1
    assert not np.array_equal(before[list(ROWS)], state.weights[list(ROWS)])


def a_gradient_that_is_not_finite_counts_as_zero() -> None:
    """NaN and infinity in one patient's features leave the others' sum alone."""
    well = [patient(2, seed=1)]
    for value in (np.nan, np.inf, -np.inf, 3e38):
        ill = patient(2, seed=2)
        ill.features[0, 0] = value
        with np.errstate(all="ignore"):
            moved = without_noise([*well, ill]) - without_noise(well)
        assert np.isfinite(moved).all()
        assert np.linalg.norm(moved) * PLAN.expected_batch <= CLIP * (1 + 1e-4)


def the_divisor_is_public() -> None:
    """The same whether one patient or five were drawn."""
    one, five = (without_noise([patient(1, seed=7)] * count) for count in (1, 5))
    assert np.allclose(5 * one, five, rtol=1e-4)


def only_declared_rows_move() -> None:
    """A row that nobody declared holds no noise, so it must not change at all."""
    state = head()
    before = state.weights.copy()
    dp_head.private_step(state, [patient(1, seed=1)], settings=PLAN, random=csprng.SecureRandom())
    others = [row for row in range(LABELS) if row not in ROWS]
    assert np.array_equal(before[others], state.weights[others])


def inclusion_is_an_independent_coin() -> None:
    """Each with the sample rate, all together binomial, nobody always or never."""
    random, count, rate, draws = csprng.SecureRandom(), 40, 0.2, 3000
    table = np.zeros((draws, count), bool)
    for row in table:
        row[random.poisson_sample(count, rate)] = True
    assert np.abs(table.mean(axis=0) - rate).max() < 0.045
    sizes = table.sum(axis=1)
    assert abs(sizes.mean() - count * rate) < 0.3
    assert abs(sizes.var() / (count * rate * (1 - rate)) - 1) < 0.2
    assert any(random.poisson_sample(3, 0.01).size == 0 for _ in range(5))


MECHANISM_CHECKS: tuple[Callable[[], None], ...] = (
    one_patient_moves_a_step_by_at_most_the_clip,
    the_sum_is_of_clipped_patients,
    noise_has_its_spread_whoever_was_drawn,
    noise_is_wider_than_claimed,
    noise_never_repeats,
    noise_comes_from_the_operating_system,
    noise_hides_the_last_bits,
    an_empty_draw_is_a_counted_step,
    a_gradient_that_is_not_finite_counts_as_zero,
    the_divisor_is_public,
    only_declared_rows_move,
    inclusion_is_an_independent_coin,
)

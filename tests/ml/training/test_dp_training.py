"""The mechanism does what its guarantee rests on; gradients agree with microbatches of one patient."""

import io
from typing import Any

import numpy as np
import pytest
import torch

from ml.frames import read_frame, write_frame
from ml.privacy.csprng import SecureRandom
from ml.training import dp_head
from ml.training.dp_head import (
    HeadState,
    PatientFeatures,
    StepSettings,
    clipped_sum,
    factors,
    private_step,
    with_frozen,
)
from ml.training.rounding import wider

RNG = np.random.default_rng(0)
LABELS, HIDDEN = 7, 5
ROWS = [0, 2, 3, 6]


def head() -> HeadState:
    weight = RNG.normal(size=(LABELS, HIDDEN)).astype(np.float32)
    return HeadState.start(weight, RNG.normal(size=LABELS).astype(np.float32), ROWS)


def patient(notes: int, label: int = 2, scale: float = 1.0) -> PatientFeatures:
    return PatientFeatures((scale * RNG.normal(size=(notes, HIDDEN))).astype(np.float32), label)


def reference_gradient(state: HeadState, person: PatientFeatures) -> np.ndarray[Any, Any]:
    """Autograd on the mean loss of one patient's notes, trained rows only."""
    weights = torch.tensor(state.weights, dtype=torch.float64, requires_grad=True)
    inputs = torch.tensor(np.c_[person.features, np.ones(len(person.features))], dtype=torch.float64)
    labels = torch.full((len(inputs),), person.label)
    torch.autograd.backward(torch.nn.functional.cross_entropy(inputs @ weights.T, labels))
    assert weights.grad is not None
    return weights.grad.numpy()[state.rows]


def test_a_patients_gradient_equals_autograd() -> None:
    state = head()
    for person in (patient(1), patient(4), patient(9, label=5)):
        a, b = factors(state, person)
        assert a.T @ b == pytest.approx(reference_gradient(state, person), abs=1e-5)


def test_the_clipped_sum_equals_microbatches_of_one() -> None:
    state = head()
    people = [patient(n, label=n % LABELS) for n in (1, 2, 5, 3)]
    slow = np.zeros((len(ROWS), HIDDEN + 1))
    for person in people:
        gradient = reference_gradient(state, person)
        slow += gradient * min(1.0, 0.3 / np.linalg.norm(gradient))
    assert clipped_sum(state, people, 0.3) == pytest.approx(slow, abs=1e-5)


@pytest.mark.parametrize("notes", [1, 20, 1000])
@pytest.mark.parametrize("scale", [0.01, 1.0, 1e4])
def test_one_patient_moves_the_sum_by_at_most_the_clip_whatever_her_notes(notes: int, scale: float) -> None:
    state = head()
    others = [patient(2), patient(1)]
    with_her = clipped_sum(state, [*others, patient(notes, scale=scale)], 0.5)
    assert np.linalg.norm(with_her - clipped_sum(state, others, 0.5)) <= 0.5 * (1 + 1e-4)


def test_a_non_finite_gradient_counts_as_zero() -> None:
    state = head()
    broken = patient(2)
    broken.features[0, 0] = np.nan
    people = [patient(1), broken]
    with np.errstate(all="ignore"):
        assert clipped_sum(state, people, 1.0) == pytest.approx(clipped_sum(state, people[:1], 1.0))


class _KnownNoise(SecureRandom):
    """Gives numbers that the test knows."""

    def __init__(self, value: float):
        super().__init__(b"0" * 32)
        self._value = value

    def gaussians(self, count: int) -> Any:
        return np.full(count, self._value, np.float32)


def settings(noise: float = 2.0) -> StepSettings:
    return StepSettings(max_grad_norm=0.5, noise_multiplier=noise, expected_batch=4.0, learning_rate=0.1)


def test_noise_has_the_clip_times_the_multiplier_and_the_public_divisor() -> None:
    state = head()
    private_step(state, [], settings=settings(), random=_KnownNoise(1.0))
    assert state.first == pytest.approx(np.full(state.first.shape, 0.1 * wider(4.0) * 2.0 * 0.5 / 4.0))


def test_the_released_noise_has_its_standard_deviation_within_a_percent() -> None:
    weight = np.zeros((400, 300), np.float32)
    state = HeadState.start(weight, np.zeros(400, np.float32), range(400))
    private_step(state, [], settings=settings(), random=SecureRandom())
    noise = state.first / 0.1 * 4.0
    assert noise.std() == pytest.approx(2.0 * 0.5, rel=0.01)


def test_an_empty_draw_still_moves_the_model() -> None:
    state = head()
    before = state.weights.copy()
    private_step(state, [], settings=settings(), random=SecureRandom())
    assert state.step == 1
    assert not np.array_equal(before[ROWS], state.weights[ROWS])


def test_the_last_bits_of_a_sum_cannot_be_read_from_what_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mironov 2012: noise in single precision leaves an odd sum odd wherever the noise is the coarser."""
    unit, released = 2.0**-24, []
    monkeypatch.setattr(dp_head, "adam_update", lambda _state, gradient, _settings: released.append(gradient))
    for odd in (0, 1):
        summed = np.full((40_000, 1), 0.75 + odd * unit, np.float32)
        monkeypatch.setattr(dp_head, "clipped_sum", lambda *_, summed=summed, **_k: summed)
        private_step(head(), [], settings=StepSettings(1.0, 1.0, 1.0, 0.1), random=SecureRandom())
        told = np.abs(released[-1].astype(np.float64))
        told = told[(told >= 0.5) & (told < 1.0)] / unit
        assert np.mean(told % 2) == pytest.approx(0.5, abs=0.03)


def test_only_the_declared_rows_change() -> None:
    state = head()
    before = state.weights.copy()
    private_step(state, [patient(1)], settings=settings(), random=SecureRandom())
    others = [row for row in range(LABELS) if row not in ROWS]
    assert np.array_equal(before[others], state.weights[others])


def test_frames_come_back_and_cut_ones_are_refused() -> None:
    from ml.errors import MlError

    stream = io.BytesIO()
    write_frame(stream, {"a": b"\0\1", "b": [1.5]})
    data = stream.getvalue()
    assert read_frame(io.BytesIO(data)) == {"a": b"\0\1", "b": [1.5]}
    assert read_frame(io.BytesIO(b"")) is None
    with pytest.raises(MlError, match="in the middle"):
        read_frame(io.BytesIO(data[:-1]))


def test_rows_summed_up_beforehand_change_no_gradient() -> None:
    state = head()
    people = [patient(1), patient(4, label=3)]
    for plain, prepared in zip(people, with_frozen(state, people), strict=True):
        state.weights[ROWS] += np.float32(0.5)  # a step moved the trained rows since
        a, b = factors(state, prepared)
        assert a.T @ b == pytest.approx(reference_gradient(state, plain), abs=1e-5)


def test_a_head_whose_every_row_is_trained_has_nothing_frozen() -> None:
    weight = RNG.normal(size=(LABELS, HIDDEN)).astype(np.float32)
    state = HeadState.start(weight, np.zeros(LABELS, np.float32), range(LABELS))
    person = patient(2)
    a, b = factors(state, person)
    assert a.T @ b == pytest.approx(reference_gradient(state, person), abs=1e-5)

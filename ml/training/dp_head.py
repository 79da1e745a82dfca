"""DP-SGD on the classifier's head over cached features; the unit of privacy is the patient.

The gradient of one note with features f, probabilities p and disease y is (p - y) ⊗ [f, 1], restricted to
the rows of the declared diseases. A patient's gradient is the mean over her notes; its norm comes
from Gram matrices without ever being written out (Goodfellow 2015, arXiv 1510.01799):

    |sum_i a_i ⊗ b_i|^2 = sum_ij (a_i · a_j)(b_i · b_j).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ml.privacy.csprng import SecureRandom

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PatientFeatures:
    """One patient's notes as features (notes, hidden), and the row of her disease.

    `frozen` is the log-sum-exp, for each note, of the logits of the rows that are not trained.
    """

    features: Floats
    label: int
    frozen: Floats | None = None


@dataclass(frozen=True, slots=True)
class StepSettings:
    """Public constants of a run. The noisy sum is divided by `expected_batch`, a public constant."""

    max_grad_norm: float
    noise_multiplier: float
    expected_batch: float
    learning_rate: float
    weight_decay: float = 0.0


@dataclass(slots=True)
class HeadState:
    """Weights (labels, hidden + 1), the bias as last column, and Adam's moments of the trained rows."""

    weights: Floats
    rows: npt.NDArray[np.intp]
    first: Floats
    second: Floats
    step: int = 0

    @classmethod
    def start(cls, weight: Floats, bias: Floats, rows: Sequence[int]) -> "HeadState":
        """Begin from a model's head; `rows` are the declared diseases."""
        weights = np.concatenate([weight, bias[:, None]], axis=1).astype(np.float32)
        trained = np.asarray(rows, np.intp)
        shape = (len(trained), weights.shape[1])
        return cls(weights, trained, np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def with_frozen(state: HeadState, patients: Sequence[PatientFeatures]) -> list[PatientFeatures]:
    """The patients with the rows that never change summed up once, so that a step reads only the others."""
    others = np.delete(state.weights, state.rows, axis=0)
    return [replace(p, frozen=_log_sum_exp(_with_one(p.features) @ others.T)) for p in patients]


def factors(state: HeadState, patient: PatientFeatures) -> tuple[Floats, Floats]:
    """(a, b) with the patient's gradient = a.T @ b: a (notes, rows) errors / notes, b (notes, hidden + 1)."""
    if patient.frozen is None:
        (patient,) = with_frozen(state, [patient])
    assert patient.frozen is not None
    inputs = _with_one(patient.features)
    logits = inputs @ state.weights[state.rows].T
    whole = np.logaddexp(_log_sum_exp(logits), patient.frozen)
    errors = np.exp(logits - whole[:, None])
    errors[:, state.rows == patient.label] -= 1
    return errors / np.float32(len(inputs)), inputs


def clipped_sum(state: HeadState, patients: Sequence[PatientFeatures], max_grad_norm: float) -> Floats:
    """Sum of the patients' clipped gradients, (rows, hidden + 1); a non-finite gradient counts as zero."""
    total = np.zeros_like(state.first)
    for patient in patients:
        a, b = factors(state, patient)
        norm = _gradient_norm(a.astype(np.float64), b.astype(np.float64))
        if np.isfinite(norm):
            total += (a * np.float32(min(1.0, max_grad_norm / max(norm, 1e-12)))).T @ b
    return total


def private_step(
    state: HeadState,
    patients: Sequence[PatientFeatures],
    *,
    settings: StepSettings,
    random: SecureRandom,
) -> None:
    """One counted step, taken also where nobody was drawn: clip, add noise, divide, Adam."""
    summed = clipped_sum(state, patients, settings.max_grad_norm)
    spread = settings.noise_multiplier * settings.max_grad_norm
    noisy = summed.astype(np.float64) + spread * random.gaussians(summed.size).reshape(summed.shape)
    adam_update(state, (noisy / settings.expected_batch).astype(np.float32), settings)


def adam_update(state: HeadState, gradient: Floats, settings: StepSettings) -> None:
    """Adam (Kingma, Ba 2015) with decoupled weight decay on the trained rows."""
    state.step += 1
    state.first += 0.1 * (gradient - state.first)
    state.second += 0.001 * (gradient * gradient - state.second)
    first = state.first / np.float32(1 - 0.9**state.step)
    second = state.second / np.float32(1 - 0.999**state.step)
    kept = np.float32(1 - settings.learning_rate * settings.weight_decay)
    change = np.float32(settings.learning_rate) * first / (np.sqrt(second) + np.float32(1e-8))
    state.weights[state.rows] = kept * state.weights[state.rows] - change


def _gradient_norm(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """|a.T @ b| in double precision: notes that nearly cancel must not look shorter than they are."""
    return float(np.sqrt(max(float(((a @ a.T) * (b @ b.T)).sum()), 0.0)))


def _log_sum_exp(logits: Floats) -> Floats:
    """Over the last axis; minus infinity where there are no rows."""
    if logits.shape[1] == 0:
        return np.full(len(logits), -np.inf, np.float32)
    largest = logits.max(axis=1)
    summed: Floats = largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))
    return summed


def _with_one(features: Floats) -> Floats:
    return np.concatenate([features, np.ones((len(features), 1), np.float32)], axis=1)

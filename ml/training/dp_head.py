"""DP-SGD on the classifier's head over cached features; the unit of privacy is the patient.

The gradient of one note with features f, probabilities p and disease y is (p - y) ⊗ [f, 1], restricted to
the rows of the declared diseases. A patient's gradient is the mean over her notes; its norm comes
from Gram matrices without ever being written out (Goodfellow 2015, arXiv 1510.01799):

    |sum_i a_i ⊗ b_i|^2 = sum_ij (a_i · a_j)(b_i · b_j).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from ml.privacy.csprng import SecureRandom
from ml.training.rounding import wider

MOST_NOTES = 1024  # read together
STABILITY = 0.01  # of automatic clipping (Bu et al. 2022, arXiv 2206.07136)

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


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
    """Public constants of a run. The noisy sum is divided by `expected_batch`, a public constant.

    `optimizer` is `adamw` (decoupled weight decay) or `sgd` (momentum 0.9, the decay an L2 penalty).
    """

    max_grad_norm: float
    noise_multiplier: float
    expected_batch: float
    learning_rate: float
    weight_decay: float = 0.0
    optimizer: str = "adamw"
    clipping: str = "flat"

    @property
    def spread(self) -> float:
        """The noise's standard deviation: wider than claimed, which pays for rounding (`rounding`).

        Beside that the grid of `csprng` moves a sum by at most sqrt(coordinates) / 2 of its units.
        """
        return wider(self.expected_batch) * self.noise_multiplier * self.max_grad_norm


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
    if all(p.frozen is not None for p in patients):
        return list(patients)
    others = np.delete(state.weights, state.rows, axis=0)
    return [replace(p, frozen=_log_sum_exp(_with_one(p.features) @ others.T)) for p in patients]


def factors(state: HeadState, patient: PatientFeatures) -> tuple[Floats, Floats]:
    """(a, b) with the patient's gradient = a.T @ b: a (notes, rows) errors / notes, b (notes, hidden + 1)."""
    (patient,) = with_frozen(state, [patient])
    assert patient.frozen is not None
    labels = np.full(len(patient.features), patient.label)
    errors, inputs = note_errors(state, patient.features, patient.frozen, labels)
    return errors / np.float32(len(inputs)), inputs


def note_errors(
    state: HeadState, features: Floats, frozen: Floats, labels: npt.NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Probability less truth of each note in the trained rows, (notes, rows), and its inputs with a one."""
    inputs, logits = _with_one(features), declared_logits(state, features)
    whole = np.logaddexp(_log_sum_exp(logits), frozen)
    errors = np.exp(logits - whole[:, None])
    errors -= (labels[:, None] == state.rows[None, :]).astype(np.float32)
    return errors, inputs


def declared_logits(state: HeadState, features: Floats) -> Floats:
    """Of the trained rows, (notes, rows)."""
    logits: Floats = _with_one(features) @ state.weights[state.rows].T
    return logits


def clipped_sum(
    state: HeadState, patients: Sequence[PatientFeatures], max_grad_norm: float, *, clipping: str = "flat"
) -> Doubles:
    """Sum of the patients' clipped gradients, (rows, hidden + 1); a non-finite gradient counts as zero."""
    total = np.zeros(state.first.shape)
    for some in _by_notes(with_frozen(state, [p for p in patients if len(p.features)])):
        total += _clipped_together(state, some, max_grad_norm, clipping)
    return total


def _by_notes(patients: Sequence[PatientFeatures]) -> Iterator[list[PatientFeatures]]:
    """Patients with as many notes each, a few thousand notes at once."""
    for count, alike in groupby(
        sorted(patients, key=lambda p: len(p.features)), key=lambda p: len(p.features)
    ):
        people = list(alike)
        size = max(1, MOST_NOTES // count)
        yield from (people[start : start + size] for start in range(0, len(people), size))


def _clipped_together(
    state: HeadState, patients: list[PatientFeatures], max_grad_norm: float, clipping: str
) -> Doubles:
    """The clipped sum of patients with as many notes each, as matrix products over all of their notes."""
    notes, people = len(patients[0].features), len(patients)
    errors, inputs = note_errors(
        state,
        np.concatenate([p.features for p in patients]),
        np.concatenate([p.frozen for p in patients if p.frozen is not None]),
        np.repeat([p.label for p in patients], notes),
    )
    errors /= np.float32(notes)
    a = errors.astype(np.float64).reshape(people, notes, -1)
    b = inputs.astype(np.float64).reshape(people, notes, -1)
    factor = clip_factors(_gradient_norms(a, b), max_grad_norm, clipping)
    well = factor > 0
    shortened = a[well] * factor[well, None, None]
    summed: Doubles = shortened.reshape(-1, a.shape[2]).T @ b[well].reshape(-1, b.shape[2])
    return summed


def clip_factors(norms: Doubles, max_grad_norm: float, clipping: str) -> Doubles:
    """As `Clipping.factors`: what each gradient is multiplied by; 0 where its length is not finite."""
    finite = np.isfinite(norms)
    lengths = np.where(finite, norms, 1.0)
    if clipping == "automatic":
        factor = max_grad_norm / (lengths + STABILITY)
    else:
        factor = np.minimum(1.0, max_grad_norm / np.maximum(lengths, 1e-12))
    return np.where(finite, factor, 0.0)


def private_step(
    state: HeadState,
    patients: Sequence[PatientFeatures],
    *,
    settings: StepSettings,
    random: SecureRandom,
) -> None:
    """One counted step, taken also where nobody was drawn: clip, add noise, divide, Adam."""
    summed = clipped_sum(state, patients, settings.max_grad_norm, clipping=settings.clipping)
    noisy = summed + settings.spread * random.gaussians(summed.size).reshape(summed.shape)
    update = sgd_update if settings.optimizer == "sgd" else adam_update
    update(state, (noisy / settings.expected_batch).astype(np.float32), settings)


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


def sgd_update(state: HeadState, gradient: Floats, settings: StepSettings) -> None:
    """Stochastic gradient descent with momentum 0.9 and an L2 penalty; `first` is the momentum."""
    state.step += 1
    moved = gradient + np.float32(settings.weight_decay) * state.weights[state.rows]
    state.first = np.float32(0.9) * state.first + moved
    state.weights[state.rows] -= np.float32(settings.learning_rate) * state.first


def _gradient_norms(a: Doubles, b: Doubles) -> Doubles:
    """|a.T @ b| of each patient, in double precision: notes that nearly cancel must not look shorter."""
    grams = (a @ a.swapaxes(1, 2)) * (b @ b.swapaxes(1, 2))
    norms: Doubles = np.sqrt(np.maximum(grams.sum(axis=(1, 2)), 0.0))
    return norms


def _log_sum_exp(logits: Floats) -> Floats:
    """Over the last axis; minus infinity where there are no rows."""
    if logits.shape[1] == 0:
        return np.full(len(logits), -np.inf, np.float32)
    largest = logits.max(axis=1)
    summed: Floats = largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))
    return summed


def _with_one(features: Floats) -> Floats:
    return np.concatenate([features, np.ones((len(features), 1), np.float32)], axis=1)

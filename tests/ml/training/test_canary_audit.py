"""One run on a thousand synthetic canaries: what an auditor can prove stays below what was claimed.

Steinke, Nasr, Jagielski 2023 (arXiv 2305.08846): each canary is in or out by a coin; after the run the
auditor guesses "in" for those that the model fits best and "out" for those it fits worst. Of r guesses, the
number that are right is at most binomial with p = e^eps / (1 + e^eps), but for a term in delta; so many
right guesses refute small epsilons. The same auditor convicts a run without noise, or the audit would say
nothing.
"""

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import brentq
from scipy.stats import binom

from ml.privacy.csprng import SecureRandom
from ml.privacy.ledger import epsilon_bound
from ml.privacy.loss_distribution import least_epsilon
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, private_step, with_frozen

pytestmark = pytest.mark.slow
CANARIES, HIDDEN, ROWS, STEPS, DELTA, SURE = 1000, 6144, 2, 6, 1e-5, 0.05
GUESSES = 2 * 100


def canaries(seed: int) -> list[PatientFeatures]:
    """Patients whose notes are random directions and whose diseases are coins: only memory can tell them."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(CANARIES, 1, HIDDEN)).astype(np.float32)
    labels = rng.integers(ROWS, size=CANARIES).tolist()
    return [PatientFeatures(f, label) for f, label in zip(features, labels, strict=True)]


def right_guesses(settings: StepSettings, *, seed: int = 11) -> int:
    """Train on the canaries that a coin chose, and count the auditor's right guesses."""
    people, included = canaries(seed), np.random.default_rng(seed + 1).random(CANARIES) < 0.5
    state = HeadState.start(np.zeros((ROWS, HIDDEN), np.float32), np.zeros(ROWS, np.float32), range(ROWS))
    random, told = SecureRandom(), with_frozen(state, people)
    drawn = [person for person, coin in zip(told, included, strict=True) if coin]
    for _ in range(STEPS):
        private_step(state, drawn, settings=settings, random=random)
    scores = np.array([_fit(state, person) for person in people])
    order = np.argsort(scores)
    worst, best = order[: GUESSES // 2], order[-GUESSES // 2 :]
    return int((~included[worst]).sum() + included[best].sum())


def _fit(state: HeadState, person: PatientFeatures) -> float:
    logits = state.weights[:, :-1] @ person.features[0]
    return float(logits[person.label] - logits[1 - person.label])


def p_value(right: int, epsilon: float) -> float:
    """How likely so many right guesses are under (epsilon, delta), at most (theorem 5.2 there)."""
    chance = 1 / (1 + math.exp(-epsilon))
    fewer: npt.NDArray[np.float64] = np.cumsum(binom.pmf(right - np.arange(1, right + 1), GUESSES, chance))
    slack = float((fewer / np.arange(1, right + 1)).max(initial=0.0))
    return min(1.0, float(binom.sf(right - 1, GUESSES, chance)) + 2 * CANARIES * DELTA * slack)


def proven_epsilon(right: int) -> float:
    """The largest epsilon that is refuted with 95 % confidence; 0 where none is."""
    if p_value(right, 0.0) > SURE:
        return 0.0
    return float(brentq(lambda epsilon: p_value(right, epsilon) - SURE, 0.0, 30.0))


@pytest.mark.parametrize("noise", [1.0, 3.0, 12.0])
def test_what_an_auditor_proves_stays_below_the_claim(noise: float) -> None:
    """Everybody is drawn in each step, so that the auditor sees as much as there is."""
    claim = least_epsilon([(noise, 1.0, STEPS)], DELTA)
    proven = proven_epsilon(right_guesses(StepSettings(1.0, noise, CANARIES / 2, 0.01)))
    assert proven <= claim <= epsilon_bound([(noise, 1.0, STEPS)], DELTA)


def test_the_same_auditor_convicts_a_run_without_noise() -> None:
    claim = epsilon_bound([(3.0, 1.0, STEPS)], DELTA)
    assert proven_epsilon(right_guesses(StepSettings(1.0, 0.0, CANARIES / 2, 0.01))) > claim


def test_guessing_blindly_proves_nothing_and_guessing_well_proves_much() -> None:
    assert proven_epsilon(GUESSES // 2) == 0.0
    assert 1.0 < proven_epsilon(round(0.85 * GUESSES)) < math.log(0.85 / 0.15)
    assert proven_epsilon(GUESSES) > 3.5

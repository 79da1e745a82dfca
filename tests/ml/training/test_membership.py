"""Whether a patient was among the learners can't be told better than the noise allows.

LiRA in little (Carlini et al. 2022, arXiv 2112.03570): shadow runs with and without each patient give two
normal distributions of her score; the likelihood ratio of the target run's score is the guess. Everybody is
drawn in each step, so a run is one Gaussian mechanism of mu = sqrt(steps) / noise, and no test's true
positives less false positives exceed 2 Phi(mu / 2) - 1 (Dong, Roth, Su 2022, arXiv 1905.02383). The same
attack on a run without noise finds most, or the test would say nothing.
"""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm

from ml.privacy.csprng import SecureRandom
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, private_step, with_frozen

PEOPLE, HIDDEN, ROWS, STEPS, SHADOWS, NOISE = 240, 2048, 2, 4, 12, 5.0
Floats = npt.NDArray[np.float64]


def people() -> list[PatientFeatures]:
    """Random directions with random diseases: nothing but memory tells them apart."""
    rng = np.random.default_rng(7)
    features = rng.normal(size=(PEOPLE, 1, HIDDEN)).astype(np.float32)
    return [
        PatientFeatures(f, int(label))
        for f, label in zip(features, rng.integers(ROWS, size=PEOPLE), strict=True)
    ]


def scores(everybody: list[PatientFeatures], inside: npt.NDArray[np.bool_], noise: float) -> Floats:
    """How well a run over those inside fits each patient."""
    state = HeadState.start(np.zeros((ROWS, HIDDEN), np.float32), np.zeros(ROWS, np.float32), range(ROWS))
    drawn = [p for p, told in zip(with_frozen(state, everybody), inside, strict=True) if told]
    random, settings = SecureRandom(), StepSettings(1.0, noise, PEOPLE / 2, 0.01)
    for _ in range(STEPS):
        private_step(state, drawn, settings=settings, random=random)
    logits = np.array([state.weights[:, :-1] @ p.features[0] for p in everybody], np.float64)
    labels = np.array([p.label for p in everybody])
    found: Floats = logits[np.arange(PEOPLE), labels] - logits[np.arange(PEOPLE), 1 - labels]
    return found


def advantage(noise: float) -> float:
    """True positives less false positives where the guess is "in" for a likelihood ratio above one."""
    everybody, rng = people(), np.random.default_rng(8)
    sides = np.stack([rng.permutation(PEOPLE) < PEOPLE // 2 for _ in range(SHADOWS // 2)])
    sides = np.concatenate([sides, ~sides])  # each patient is in half of the shadow runs
    shadow = np.stack([scores(everybody, side, noise) for side in sides])
    means = [
        np.array([shadow[sides[:, i] == told, i].mean() for i in range(PEOPLE)]) for told in (True, False)
    ]
    spread = np.sqrt(
        np.mean(
            [
                np.where(sides == told, shadow - mean, 0) ** 2
                for told, mean in zip((True, False), means, strict=True)
            ]
        )
        * 2
    )
    inside = rng.random(PEOPLE) < 0.5
    found = scores(everybody, inside, noise)
    ratio = norm.logpdf(found, means[0], spread + 1e-9) - norm.logpdf(found, means[1], spread + 1e-9)
    guess = ratio > 0
    return float(guess[inside].mean() - guess[~inside].mean())


@pytest.mark.slow
def test_membership_shows_no_more_than_the_noise_allows() -> None:
    allowed = 2 * norm.cdf(np.sqrt(STEPS) / NOISE / 2) - 1
    chance = 4 * np.sqrt(2 * 0.25 / (PEOPLE / 2))  # four standard deviations of the difference of two shares
    assert advantage(NOISE) <= allowed + chance


@pytest.mark.slow
def test_the_same_attack_convicts_a_run_without_noise() -> None:
    allowed = 2 * norm.cdf(np.sqrt(STEPS) / NOISE / 2) - 1
    chance = 4 * np.sqrt(2 * 0.25 / (PEOPLE / 2))
    assert advantage(0.0) > max(0.7, allowed + chance)

"""The one-run audit on the head's whole way: Poisson draws, looks and descent, from texts to the result.

As `test_canary_audit`, but nobody's draw is certain, the learner is the one that the trainer's process makes,
and it looks (`own_centre`, `start_sureness`) before it descends. The auditor reads the result; of a look at
the centre she reads what it released, which no result shows her so plainly.
"""

import numpy as np
import pytest

from ml.privacy.csprng import SecureRandom
from ml.privacy.ledger import epsilon_bound
from ml.privacy.loss_distribution import least_epsilon
from ml.registry.tensor_file import read_tensors
from ml.training.dp_head import PatientFeatures, StepSettings
from ml.training.learner import make_learner
from ml.training.looks import Looks
from ml.training.messages import TrainingJob, TrainingPatient
from ml.training.own_centre import mean_features
from ml.training.worker import step_settings
from tests.ml.training.canary_audit import CANARIES, DELTA, coins, proven_epsilon, right_guesses
from tests.ml.training.wide_head_job import DECLARED, Floats, features_of, random_texts, wide_job

pytestmark = pytest.mark.slow
STEPS, RATE, NOISE = 100, 0.5, 25.0
LOOKS, LOOK_NOISE, HIDDEN = 4, 8.0, 4096
TEXTS = random_texts(CANARIES, 5)
LABELS = np.random.default_rng(6).choice(DECLARED, size=CANARIES)
INCLUDED = coins(12)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    batch = RATE * CANARIES / 2
    return wide_job(tmp_path_factory.mktemp("wide"), steps=STEPS, sample_rate=RATE, expected_batch=batch)


@pytest.fixture(scope="module")
def features(job: TrainingJob) -> Floats:
    return features_of(job, TEXTS)


def proven_of_a_run(job: TrainingJob, features: Floats, noise: float) -> float:
    """Train as the trainer does; the auditor sees how far the result's rows moved to each canary."""
    patients = [TrainingPatient(i, (TEXTS[i],), int(LABELS[i])) for i in np.flatnonzero(INCLUDED).tolist()]
    learner, random = make_learner(job, patients), SecureRandom()
    for step in range(job.steps):
        drawn = random.poisson_sample(len(patients), job.sample_rate)
        learner.step(drawn.tolist(), step_settings(job, noise, step), random)
    before, after = (read_tensors(t)["head.weight"] for t in (job.tensors, learner.result()))
    moved = features @ (after - before)[list(DECLARED)].T
    own = moved[np.arange(CANARIES), LABELS]
    return proven_epsilon(right_guesses(2 * own - moved.sum(axis=1), INCLUDED))


def proven_of_looks(noise: float) -> float:
    """Look at the centre of random features; the auditor sees how far it lies in each canary's direction."""
    drawn = np.random.default_rng(7).normal(size=(CANARIES, 1, HIDDEN)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=2, keepdims=True)
    inside = [PatientFeatures(f, 0) for f, coin in zip(drawn, INCLUDED, strict=True) if coin]
    looks, random = Looks("centre", HIDDEN, LOOKS), SecureRandom()
    for _ in range(LOOKS):
        settings = StepSettings(1.0, noise, CANARIES / 2, 0.01)
        looks.look(mean_features(inside, HIDDEN), settings=settings, random=random)
    return proven_epsilon(right_guesses(drawn[:, 0] @ looks.mean(), INCLUDED))


def test_what_is_proven_of_a_whole_run_of_the_head_stays_below_the_claim(
    job: TrainingJob, features: Floats
) -> None:
    assert proven_of_a_run(job, features, NOISE) <= least_epsilon([(NOISE, RATE, STEPS)], DELTA)


def test_a_whole_run_without_noise_is_convicted(job: TrainingJob, features: Floats) -> None:
    assert proven_of_a_run(job, features, 0.0) > epsilon_bound([(NOISE, RATE, STEPS)], DELTA)


def test_what_is_proven_of_looks_stays_below_the_claim() -> None:
    assert proven_of_looks(LOOK_NOISE) <= least_epsilon([(LOOK_NOISE, 1.0, LOOKS)], DELTA)


def test_looks_without_noise_are_convicted() -> None:
    assert proven_of_looks(0.0) > epsilon_bound([(LOOK_NOISE, 1.0, LOOKS)], DELTA)

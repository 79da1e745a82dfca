"""The one-run audit on a head's looks at the fusion: a hospital's whole way, from texts to what is released.

A look releases so few numbers that a thousand canaries can't lie apart in them. So they are shared out to
many hospitals, to each as many as there are numbers: a canary is in one of them alone, and all runs together
promise her what her own does. The auditor knows what each would show, and solves for how often she was drawn.
"""

import numpy as np
import numpy.typing as npt
import pytest

from ml.privacy.csprng import SecureRandom
from ml.privacy.ledger import epsilon_bound
from ml.privacy.loss_distribution import least_epsilon
from ml.training import fusion_looks
from ml.training.head_learner import HeadLearner
from ml.training.learner import make_learner
from ml.training.looks import clipped_total
from ml.training.messages import Beside, TrainingJob, TrainingPatient
from ml.training.worker import step_settings
from tests.ml.tiny_model import LABELS, WORDS
from tests.ml.training.canary_audit import CANARIES, DELTA, coins, proven_epsilon, right_guesses
from tests.ml.training.fusion_checks import looking_job

pytestmark = pytest.mark.slow
STEPS, RATE, NOISE = 50, 0.5, 8.0
LOOKS, TOGETHER = round(fusion_looks.FUSION_LOOKS * STEPS), len(fusion_looks.CANDIDATES)
INCLUDED = coins(13)
Doubles = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    folder = tmp_path_factory.mktemp("tiny")
    return looking_job(folder, steps=STEPS, block_steps=STEPS, sample_rate=RATE, expected_batch=1.0)


def proven_of_looks(job: TrainingJob, *, before: float, looking: float) -> float:
    """From noise multipliers before the looks and in them."""
    hospitals = np.split(np.arange(CANARIES), range(TOGETHER, CANARIES, TOGETHER))
    read = [_drawn_counts(job, inside, before=before, looking=looking) for inside in hospitals]
    return proven_epsilon(right_guesses(np.concatenate(read), INCLUDED))


def _canaries(numbers: npt.NDArray[np.intp]) -> list[TrainingPatient]:
    """Findings that speak for one disease or another, and a text beside them, each more or less surely."""
    rng, found = np.random.default_rng([13, int(numbers[0])]), []
    for number in numbers.tolist():
        shares = (rng.choice([0.5, 2.0, 6.0]) * rng.normal(size=len(LABELS))).astype(np.float32)
        rows, weight = np.arange(len(LABELS), dtype=np.int32), float(rng.choice([0.2, 1.0, 3.0]))
        beside = Beside(rows.tobytes(), shares.tobytes(), rest=-4.0, text_weight=weight)
        text = " ".join(rng.choice(WORDS[4:], size=6))
        found.append(TrainingPatient(number, (text,), int(rng.choice([1, 3])), beside))
    return found


def _drawn_counts(
    job: TrainingJob, numbers: npt.NDArray[np.intp], *, before: float, looking: float
) -> Doubles:
    """How often each canary of a hospital was drawn to look, as the auditor reads what is released."""
    learner, random = make_learner(job, _canaries(numbers)), SecureRandom()
    assert isinstance(learner, HeadLearner)
    inside = np.flatnonzero(INCLUDED[numbers])  # the others are known to the auditor alone
    for step in range(STEPS):
        noise = looking if STEPS - step <= LOOKS else before
        drawn = inside[random.poisson_sample(len(inside), RATE)]
        learner.step(drawn.tolist(), step_settings(job, noise, step), random)
    settings = fusion_looks.look_settings(step_settings(job, looking, STEPS - 1))
    summed = learner._fusion.mean() * LOOKS * settings.expected_batch
    people = learner._patients, learner._beside
    gains = fusion_looks.fused_gains(learner._released(), *people, learner._leaders)
    clipped = np.stack([clipped_total(row[None], settings) for row in gains])
    return _solved(clipped, summed, LOOKS * settings.spread**2)


def _solved(shown: Doubles, summed: Doubles, variance: float) -> Doubles:
    """The likeliest counts, whose mean and variance are known beforehand, as those of the noise are."""
    usual, spread = LOOKS * RATE / 2, LOOKS * RATE
    faint = (variance / spread + 1e-12) * np.eye(shown.shape[1])
    counts: Doubles = usual + shown @ np.linalg.solve(
        shown.T @ shown + faint, summed - usual * shown.sum(axis=0)
    )
    return counts


def test_what_is_proven_of_looks_at_the_fusion_stays_below_the_claim(job: TrainingJob) -> None:
    proven = proven_of_looks(job, before=NOISE, looking=NOISE)
    assert proven <= least_epsilon([(NOISE, RATE, STEPS)], DELTA)


def test_looks_at_the_fusion_without_noise_are_convicted(job: TrainingJob) -> None:
    """Though all else is noised as claimed."""
    proven = proven_of_looks(job, before=NOISE, looking=0.0)
    assert proven > epsilon_bound([(NOISE, RATE, STEPS)], DELTA)

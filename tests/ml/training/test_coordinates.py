"""Coordinates change no logit and no cost; the lift gives declared diseases their share and no more."""

import io
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load

from ml.frames import read_frame, write_frame
from ml.privacy.csprng import SecureRandom
from ml.training.coordinates import LENGTH, LIFTED, Coordinates, declared_lift
from ml.training.dp_head import StepSettings
from ml.training.learner import make_learner
from ml.training.messages import TrainingJob, TrainingPatient, decode_start, encode_start
from ml.training.schedule import calm_rate
from ml.training.worker import step_settings
from tests.ml.tiny_job import tiny_job
from tests.ml.tiny_model import head_tensors

RNG = np.random.default_rng(4)
FEATURES = (3 + RNG.normal(size=(40, 6))).astype(np.float32)
WEIGHT, BIAS = RNG.normal(size=(9, 6)).astype(np.float32), RNG.normal(size=9).astype(np.float32)


def test_a_head_says_the_same_in_its_public_coordinates() -> None:
    public = Coordinates.of_public(FEATURES[:30])
    weight, bias = public.inward(WEIGHT, BIAS)
    moved = public.features(FEATURES)
    assert np.abs(moved @ weight.T + bias - (FEATURES @ WEIGHT.T + BIAS)).max() < 1e-4
    back, back_bias = public.outward(weight, bias)
    assert np.abs(back - WEIGHT).max() < 1e-5
    assert np.abs(back_bias - BIAS).max() < 1e-5
    assert abs(float(np.sqrt((public.features(FEATURES[:30]) ** 2).sum(1).mean())) - LENGTH) < 1e-4
    assert np.abs(public.features(FEATURES[:30]).mean(0)).max() < 1e-5


@pytest.mark.parametrize("features", [np.zeros((0, 6), np.float32), FEATURES[:1]])
def test_without_notes_that_differ_nothing_is_moved(features: np.ndarray) -> None:
    public = Coordinates.of_public(features)
    assert np.array_equal(public.features(FEATURES), FEATURES)
    assert np.array_equal(public.inward(WEIGHT, BIAS)[0], WEIGHT)
    assert public.settings(StepSettings(1.0, 2.0, 3.0, 4.0)) == StepSettings(1.0, 2.0, 3.0, 4.0)


def test_the_noise_multiplier_is_the_one_that_was_paid_for() -> None:
    """The clip grows with the features, and the noise with the clip."""
    told = Coordinates.of_public(FEATURES).settings(StepSettings(0.5, 2.0, 3.0, 4.0, optimizer="sgd"))
    assert (told.noise_multiplier, told.expected_batch) == (2.0, 3.0)
    assert (told.max_grad_norm, told.learning_rate) == (0.5 * LENGTH, 4.0 / LENGTH**2)


def test_the_lift_gives_declared_diseases_their_share_once() -> None:
    def held(bias: np.ndarray) -> float:
        chances = np.exp(FEATURES.astype(np.float64) @ WEIGHT.T + bias)
        return float((chances[:, [1, 4]].sum(1) / chances.sum(1)).mean())

    lift = declared_lift(WEIGHT, BIAS, [1, 4], FEATURES)
    lifted = BIAS.copy()
    lifted[[1, 4]] += np.float32(lift)
    assert held(BIAS) < LIFTED - 0.1
    assert abs(held(lifted) - LIFTED) < 1e-4
    assert declared_lift(WEIGHT, lifted, [1, 4], FEATURES) < 1e-3
    assert declared_lift(WEIGHT, BIAS, range(9), FEATURES) == 0.0
    assert declared_lift(WEIGHT, BIAS, [1, 4], FEATURES[:0]) == 0.0


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    return tiny_job(
        tmp_path_factory.mktemp("tiny"),
        learning_rate=2.0,
        optimizer="sgd",
        public_texts=("seizure fever", "weak arm", "short leg . no fever", "arm"),
        most_noise=0.4,
    )


PEOPLE = [TrainingPatient(0, ("seizure and fever", "no fever"), 1), TrainingPatient(1, ("weak arm .",), 3)]


def test_the_noise_of_a_whole_run_moves_a_logit_as_far_as_was_allowed(job: TrainingJob) -> None:
    """Nobody is drawn, so all that moves the head is noise; the spread is over many runs' coordinates."""
    quiet = replace(job, steps=60, learning_rate=1e9, most_noise=0.3, expected_batch=300.0)
    moved: list[np.ndarray] = []
    for run in range(30):
        learner, random = make_learner(quiet, PEOPLE), SecureRandom(bytes([run] * 32))
        before = load(learner.state())["weights"]
        for step in range(quiet.steps):
            learner.step([], step_settings(quiet, 5.0, step), random)
        moved.append(load(learner.state())["weights"] - before)
    read = make_learner(quiet, [replace(PEOPLE[0], texts=quiet.public_texts)])
    distance = read._public.distance  # type: ignore[attr-defined]
    spread = float(np.std(np.array(moved)[:, :, :-1])) * distance
    assert 0.8 * 0.3 < spread < 1.05 * 0.3


def test_a_run_finds_where_its_own_notes_lie_as_far_as_noise_lets_it(job: TrainingJob) -> None:
    """Without noise the features' mean becomes zero; where noise drowns it the public centre stands."""

    def centre(noise: float) -> tuple[float, np.ndarray]:
        learner = make_learner(replace(job, steps=50), PEOPLE)
        settings = step_settings(replace(job, expected_batch=2.0, learning_rate=0.0), noise, 0)
        for _ in range(3):
            learner.step([0, 1], replace(settings, max_grad_norm=100.0), SecureRandom())
        features = [p.features.mean(axis=0) for p in learner._patients]  # type: ignore[attr-defined]
        return float(np.linalg.norm(np.mean(features, axis=0))), load(learner.result())["head.weight"]

    public, own = centre(1e6), centre(0.0)
    assert own[0] < 1e-4 < 0.1 < public[0]
    assert np.abs(own[1] - public[1]).max() < 1e-4, "to move the centre alone changes no row"


def test_a_run_is_taken_up_amid_its_looks_and_after_them(job: TrainingJob) -> None:
    long = replace(job, steps=75)

    def run(steps: int, state: bytes = b"") -> bytes:
        learner = make_learner(long, PEOPLE)
        if state:
            learner.restore(state)
        for _ in range(steps):
            learner.step([0, 1], step_settings(long, 0.5, 0), SecureRandom(b"k" * 32))
        return learner.state()

    whole = load(run(6))
    for first in (2, 3, 5):
        taken_up = load(run(6 - first, run(first)))
        for name, value in whole.items():
            assert np.abs(taken_up[name] - value).max() < 1e-4, (first, name)


def test_a_small_rate_stands_and_without_a_limit_any_does(job: TrainingJob) -> None:
    assert calm_rate(replace(job, learning_rate=1e-6), 3.0) == 1e-6
    assert calm_rate(replace(job, most_noise=0.0), 3.0) == job.learning_rate
    large = replace(job, steps=40, learning_rate=1e9, expected_batch=3000.0)
    assert calm_rate(large, 30.0) == pytest.approx(calm_rate(large, 3.0) / 10)


def test_where_the_noise_drowns_what_is_learned_less_of_it_is_allowed(job: TrainingJob) -> None:
    """Ten times the noise costs a hundred times the rate."""
    faint = replace(job, learning_rate=1e9)
    assert calm_rate(faint, 30.0) == pytest.approx(calm_rate(faint, 3.0) / 100)


def test_a_run_in_public_coordinates_is_taken_up_as_if_it_had_not_stopped(job: TrainingJob) -> None:
    def run(steps: int, state: bytes = b"") -> tuple[bytes, bytes]:
        learner = make_learner(job, PEOPLE)
        if state:
            learner.restore(state)
        for step in range(steps):
            learner.step([0, 1], step_settings(job, 0.5, step), SecureRandom(b"k" * 32))
        return learner.state(), learner.result()

    kept, _ = run(2)
    _, taken_up = run(2, kept)
    _, whole = run(4)
    before = head_tensors()
    for name, value in load(whole).items():
        assert np.abs(load(taken_up)[name] - value).max() < 1e-4, name
        others = [0, 2, 4]
        assert np.array_equal(value[others], before[name][others]), "rows that are not declared stay"
        assert np.abs(value[[1, 3]] - before[name][[1, 3]]).max() > 1e-3


def test_public_notes_cross_the_pipe(job: TrainingJob) -> None:
    pipe = io.BytesIO()
    write_frame(pipe, encode_start(job, PEOPLE))
    pipe.seek(0)
    frame = read_frame(pipe)
    assert frame is not None
    assert decode_start(frame) == (job, PEOPLE)

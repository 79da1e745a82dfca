"""A start that is surer than right is held back, as far as noise lets that be seen; a right one stands."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import write_tensors
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, declared_logits
from ml.training.learner import make_learner
from ml.training.looks import Looks
from ml.training.messages import TrainingPatient
from ml.training.start_sureness import SHARES, hold_back, kept_share, relief
from ml.training.worker import step_settings
from tests.ml.tiny_job import tiny_job
from tests.ml.tiny_model import head_tensors

RNG = np.random.default_rng(8)
FEATURES = RNG.normal(size=(30, 8)).astype(np.float32)
WEIGHT, BIAS = 5 * RNG.normal(size=(6, 8)).astype(np.float32), np.zeros(6, np.float32)
ROWS = [0, 2, 3, 5]


def head() -> HeadState:
    return HeadState.start(WEIGHT, BIAS, ROWS)


def people(place: int) -> list[PatientFeatures]:
    """Each with the disease that the head puts at this place of its order."""
    order = np.argsort(-declared_logits(head(), FEATURES), axis=1)
    return [
        PatientFeatures(note[None], ROWS[row]) for note, row in zip(FEATURES, order[:, place], strict=True)
    ]


def test_to_hold_back_helps_a_head_that_is_sure_and_wrong_and_harms_one_that_is_right() -> None:
    assert (relief(head(), people(3)).mean(axis=0) > 1).all()
    assert (relief(head(), people(0)).mean(axis=0) < 0).all()


def test_who_has_no_note_or_another_disease_shows_nothing() -> None:
    strangers = [PatientFeatures(FEATURES[:0], ROWS[0]), PatientFeatures(FEATURES[:2], 1)]
    assert not relief(head(), strangers).any()
    assert relief(head(), []).shape == (0, len(SHARES))


def test_a_start_is_held_back_only_where_that_stands_out_of_the_noise() -> None:
    def kept(who: list[PatientFeatures], noise: float) -> float:
        looks, settings = Looks("sureness", len(SHARES), 2), StepSettings(5.0, noise, 30.0, 0.0)
        while not looks.complete():
            looks.look(relief(head(), who), settings=settings, random=SecureRandom(b"n" * 32))
        return kept_share(looks)

    assert kept(people(3), 1.0) in SHARES
    assert kept(people(3), 1000.0) == 1.0
    assert kept(people(0), 0.0) == 1.0


def test_holding_back_keeps_the_order_and_what_is_not_declared() -> None:
    held, before = head(), declared_logits(head(), FEATURES)
    hold_back(held, 0.25)
    after = declared_logits(held, FEATURES)
    assert np.array_equal(np.argsort(before, axis=1), np.argsort(after, axis=1))
    assert np.abs(after.mean(axis=1) - before.mean(axis=1)).max() < 1e-4
    assert np.allclose(np.ptp(after, axis=1), 0.25 * np.ptp(before, axis=1), rtol=1e-4)
    assert np.array_equal(held.weights[[1, 4], :-1], WEIGHT[[1, 4]])


@pytest.mark.parametrize(("noise", "held_back"), [(0.0, True), (100.0, False)])
def test_a_run_holds_its_start_back_after_its_looks(tmp_path: Path, noise: float, held_back: bool) -> None:
    sure = {name: 20 * value for name, value in head_tensors().items()}
    job = tiny_job(
        tmp_path,
        steps=50,
        optimizer="sgd",
        learning_rate=1e-12,
        public_texts=("seizure fever", "weak arm", "short leg . no fever", "arm"),
        most_noise=0.4,
        tensors=write_tensors(sure),
        declared=range(5),
    )
    alike = [TrainingPatient(row, ("weak arm . fever",), row) for row in range(5)]
    learner = make_learner(job, alike)
    before = load(learner.state())["weights"]
    for _ in range(4):
        settings = step_settings(replace(job, expected_batch=5.0), noise, 0)
        learner.step(range(5), replace(settings, max_grad_norm=100.0), SecureRandom(b"n" * 32))
    after = load(learner.state())["weights"]
    shrunk = np.linalg.norm(after[0] - after[1]) / np.linalg.norm(before[0] - before[1])
    assert bool(shrunk < 0.6) is held_back
    assert np.abs(after.mean(axis=0) - before.mean(axis=0)).max() < 1e-3 * np.abs(before).max()

"""Rows made from directions: what noise leaves of them, what they fall back on, and when they are made."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.training.classifier import HEAD_WEIGHT
from ml.training.directions import (
    COUNT,
    Frame,
    Released,
    Seen,
    axes_for,
    discriminants,
    made_rows,
    row_sums,
    shares,
)
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings
from ml.training.learner import make_learner
from ml.training.looks import Looks
from ml.training.messages import TrainingPatient
from ml.training.start_rightness import rightness, seldom_right
from ml.training.worker import step_settings
from tests.ml.training.direction_checks import direction_job, loaded

RNG = np.random.default_rng(6)
HIDDEN, DISEASES = 24, 6
CENTRES = RNG.normal(size=(DISEASES, HIDDEN))
MESSAGES = (RNG.normal(size=(300, HIDDEN)) * np.linspace(3, 0.3, HIDDEN)).astype(np.float32)
NOWHERE = Seen(np.zeros(HIDDEN), 0.0)
FRAME = Frame.of_public(MESSAGES, HIDDEN, NOWHERE)


def people(count: int, rows: np.ndarray) -> list[PatientFeatures]:
    """Notes around their disease's centre."""
    notes = CENTRES[rows] + RNG.normal(size=(count, HIDDEN))
    return [PatientFeatures(n[None].astype(np.float32), int(r)) for n, r in zip(notes, rows, strict=True)]


def wrong_head() -> HeadState:
    """It names another disease than is right."""
    weight = np.roll(CENTRES, 1, axis=0).astype(np.float32)
    return HeadState.start(weight, np.zeros(DISEASES, np.float32), range(DISEASES))


def released(who: list[PatientFeatures], noise: float) -> Released:
    sums = row_sums(wrong_head(), FRAME, who, StepSettings(1.0, 0.0, 1.0, 0.0)) / len(who)
    return Released(sums + noise * np.random.default_rng(2).normal(size=sums.shape), noise, 240.0)


def right(rows: np.ndarray, who: list[PatientFeatures]) -> float:
    notes = np.concatenate([p.features for p in who])
    return float(((notes @ rows[:, :-1].T + rows[:, -1]).argmax(axis=1) == [p.label for p in who]).mean())


def test_a_frame_has_the_main_axes_of_public_messages_half_whitened() -> None:
    along = (MESSAGES - MESSAGES.mean(axis=0)) @ FRAME.axes
    assert np.linalg.norm(along, axis=1).mean() == pytest.approx(1)
    spread = np.cov(along.T)
    assert np.abs(spread - np.diag(np.diag(spread))).max() < 1e-6
    deviations, bare = np.sqrt(np.diag(spread)), MESSAGES.std(axis=0)
    assert (np.diff(deviations) < 1e-9).all()
    assert 1 < deviations[0] / deviations[-1] < 0.7 * bare.max() / bare.min()
    assert not Frame.of_public(np.full((5, HIDDEN), 0.3, np.float32), HIDDEN, NOWHERE).axes.size


def test_more_axes_are_looked_along_where_there_is_less_noise() -> None:
    counts = [axes_for(strength, 384) for strength in (0.01, 5.0, 14.0, 30.0, 1e12)]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (24, 192)
    assert axes_for(1.0, 8) == 4


def test_rows_from_directions_tell_diseases_apart_that_the_start_takes_for_one_another() -> None:
    rows = RNG.integers(DISEASES, size=240)
    who, new = people(240, rows), people(400, RNG.integers(DISEASES, size=400))
    start = wrong_head()
    assert right(start.weights, new) < 0.2
    assert right(made_rows(start, FRAME, released(who, 0.002)), new) > 0.9


def test_what_noise_hides_falls_back_on_the_start() -> None:
    start = CENTRES @ np.linalg.pinv(FRAME.axes).T
    sums = (
        np.concatenate([0.02 * (start - start.mean(axis=0)), np.full((DISEASES, 1), COUNT)], axis=1)
        / DISEASES
    )
    noise = 1e-3
    noisy = Released(sums + noise * np.random.default_rng(3).normal(size=sums.shape), noise, 240.0)
    share, moved, _ = discriminants(noisy, start)
    own = start - start.mean(axis=0)
    made = share * own + moved
    assert share > 0
    cosines = (made * own).sum(axis=1) / np.linalg.norm(made, axis=1) / np.linalg.norm(own, axis=1)
    assert cosines.min() > 0.95


def test_shares_differ_only_where_that_stands_out_of_the_noise() -> None:
    often = np.array([0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
    sums = np.concatenate([np.zeros((DISEASES, 3)), COUNT * often[:, None]], axis=1)
    assert np.allclose(shares(Released(sums, 1e-6, 100.0)), often, atol=1e-3)
    assert np.ptp(shares(Released(sums, 0.05, 100.0))) == 0
    assert shares(Released(sums, 0.05, 100.0)).mean() == pytest.approx(1 / DISEASES)
    none = shares(Released(np.zeros_like(sums), 1e-6, 100.0))
    assert (none > 0).all()


def test_rightness_says_on_which_side_of_a_half_her_notes_are_and_nothing_of_a_stranger() -> None:
    state = wrong_head()
    note = np.roll(CENTRES, 1, axis=0)[:2].astype(np.float32) * 5
    told = [PatientFeatures(some, label) for some, label in ((note, 0), (note[:1], 0), (note[:1], 1))]
    assert rightness(state, told, 2.0).tolist() == [[0.0], [2.0], [-2.0]]
    strangers = [PatientFeatures(note[:0], 0), PatientFeatures(note, DISEASES + 1)]
    assert not rightness(state, strangers, 2.0).any()
    assert rightness(state, [], 2.0).shape == (0, 1)


@pytest.mark.parametrize(
    ("share", "noise", "found"),
    [(0.1, 0.5, True), (0.1, 1000.0, False), (0.9, 0.5, False), (0.1, 0.0, False)],
)
@pytest.mark.parametrize("drawn", [20, 50, 200])
def test_a_start_is_seldom_right_only_where_that_stands_out_of_the_noise(
    share: float, noise: float, found: bool, drawn: int
) -> None:
    """However many patients there are of the fifty expected."""
    looks, settings = Looks("rightness", 1, 2), StepSettings(5.0, noise, 50.0, 0.0)
    state, note = wrong_head(), np.roll(CENTRES, 1, axis=0)[:1].astype(np.float32) * 5
    people = [PatientFeatures(note, int(place >= share * drawn)) for place in range(drawn)]
    while not looks.complete():
        shown = rightness(state, people, 5.0)
        looks.look(shown, settings=settings, random=SecureRandom(b"n" * 32))
    assert seldom_right(looks, 5.0) == found
    assert not seldom_right(Looks("rightness", 1, 0), 5.0)


@pytest.mark.parametrize("length", [0.01, 0.5, 1.0])
def test_no_look_is_lengthened_where_gradients_are(length: float) -> None:
    looks, shown = Looks("sureness", 3, 1), np.array([[length, 0.0, 0.0], [0.0, -length, 0.0]])
    settings = StepSettings(1.0, 0.0, 1.0, 0.0, clipping="automatic")
    looks.look(shown, settings=settings, random=SecureRandom())
    assert np.allclose(looks.mean(), shown.sum(axis=0))


@pytest.mark.parametrize(
    ("noise", "messages", "begun"), [(1e-3, True, True), (100.0, True, False), (1e-3, False, False)]
)
def test_a_run_whose_start_is_seldom_right_adds_up_directions(
    tmp_path: Path, noise: float, messages: bool, begun: bool
) -> None:
    job = replace(direction_job(tmp_path), expected_batch=3.0, declared=(1, 3, 4))
    if not messages:
        job = replace(job, public_messages=())
    wrong = [TrainingPatient(i, ("seizure and fever",), label) for i, label in enumerate((*job.declared, 0))]
    learner, random = make_learner(job, wrong), SecureRandom()
    for step in range(job.steps):
        learner.step(range(len(wrong)), step_settings(job, noise, step), random)
    assert ("directions.sum" in loaded(learner.state())) == begun
    changed = read_tensors(learner.result())[HEAD_WEIGHT] - read_tensors(job.tensors)[HEAD_WEIGHT]
    assert set(np.flatnonzero(np.abs(changed).max(axis=1) > 1e-5)) <= set(job.declared)

"""What the promise rests on where a run adds up directions instead of descending; as in `dp_checks`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pytest

from ml.privacy.csprng import SecureRandom
from ml.training import direction_rows, directions, head_learner, learner
from ml.training.coordinates import Coordinates
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings
from ml.training.messages import TrainingJob, TrainingPatient
from ml.training.worker import step_settings
from tests.ml.tiny_job import tiny_job
from tests.ml.training.dp_checks import CLIP, HIDDEN, PLAN, ROWS, head, patient

Doubles = npt.NDArray[np.float64]
QUIET = replace(PLAN, noise_multiplier=0.0)
MESSAGES = np.random.default_rng(4).normal(size=(12, HIDDEN)).astype(np.float32)
SEEN = directions.Seen(np.array([0.3, 0.0, -0.2, 0.1]), 1e-3)
FRAME = directions.Frame.of_public(MESSAGES, HIDDEN // 2, SEEN)
PEOPLE = [TrainingPatient(0, ("seizure and fever",), 1), TrainingPatient(1, ("weak arm .", "arm"), 3)]


def sums(
    people: list[PatientFeatures], settings: StepSettings = PLAN, random: SecureRandom | None = None
) -> Doubles:
    """What one step releases, times the public size; (rows, axes + 1)."""
    rows = begun(head(), settings)
    rows.look(head(), people, settings=settings, random=random or SecureRandom())
    return np.asarray(rows.state()["directions.sum"]).reshape(len(ROWS), -1) * settings.expected_batch


def begun(state: HeadState, settings: StepSettings = PLAN) -> direction_rows.DirectionRows:
    """Rows that three steps make, in the frame of the messages."""
    rows = direction_rows.DirectionRows(3, 16.0, lambda: MESSAGES)
    rows.begin(state, settings, Coordinates(np.zeros(HIDDEN, np.float32), 1.0, 1.0), SEEN)
    return rows


def one_patient_moves_the_directions_by_at_most_the_clip() -> None:
    """Counted among them: with 1 to 1,000 notes, however large, and whoever else was drawn."""
    others = [patient(2, seed=1), patient(1, seed=2)]
    for notes in (1, 3, 1000):
        for scale in (1e-3, 3.0, 1e4):
            moved = sums([*others, patient(notes, seed=5, scale=scale)], QUIET) - sums(others, QUIET)
            assert float(np.linalg.norm(moved)) <= CLIP * (1 + 1e-4), (notes, scale)


def directions_are_summed_in_the_row_of_the_disease() -> None:
    """Against one patient after the other; who has no note, or another disease, adds nothing."""
    people = [patient(n, seed=n, scale=s) for n, s in ((1, 3.0), (2, 0.05), (5, 3.0), (3, 1.0))]
    strangers = [replace(people[0], label=1), replace(people[0], features=people[0].features[:0])]
    slow = np.zeros((len(ROWS), FRAME.axes.shape[1] + 1))
    for person in people:
        along = person.features.astype(np.float64).mean(axis=0) @ FRAME.axes - FRAME.centre
        unit = CLIP * np.sqrt(1 - directions.COUNT**2) * along / np.linalg.norm(along)
        slow[ROWS.index(person.label)] += [*unit, CLIP * directions.COUNT]
    assert np.allclose(sums([*people, *strangers], QUIET), slow, atol=1e-6)


def the_directions_noise_has_its_spread_whoever_was_drawn() -> None:
    """In every row, the counts too; two steps never share it."""
    for people in ([], [patient(1, seed=4)]):
        bare = sums(people, QUIET)
        noise = np.array([sums(people) - bare for _ in range(600)]) / (PLAN.noise_multiplier * CLIP)
        assert abs(noise.std() - 1) < 0.03
        assert np.abs(noise.std(axis=0) - 1).max() < 0.15
    assert not np.array_equal(sums([]), sums([]))


def the_directions_noise_is_wider_than_claimed() -> None:
    """As a step's."""
    random = SecureRandom()
    random.gaussians = lambda count: np.ones(count)  # type: ignore
    told = sums([], random=random) / (PLAN.noise_multiplier * CLIP)
    assert 1e-4 < told.min() - 1 <= told.max() - 1 < 1e-3


def directions_that_are_not_finite_count_as_zero() -> None:
    """NaN and infinity in one patient's features leave the others' sum alone."""
    for value in (np.nan, np.inf, -np.inf):
        ill = patient(2, seed=2)
        ill.features[0, 0] = value
        with np.errstate(all="ignore"):
            both, well = (sums(p, QUIET) for p in ([patient(2, seed=1), ill], [patient(2, seed=1)]))
        assert np.array_equal(both, well)


def what_is_kept_and_told_comes_of_noised_sums_alone() -> None:
    """Other patients, the same noise and nobody drawn: every step, checkpoint and result is the same."""
    with TemporaryDirectory() as folder:
        job = direction_job(Path(folder))
        told = [run(job, people, drawn=[]) for people in (PEOPLE, PEOPLE[::-1])]
    assert told[0] == told[1]


def every_step_of_a_run_has_noise_of_its_own_and_looks_once() -> None:
    """A run of fifty steps: two, two and two look for what to do, forty-four add up directions."""
    asked: list[int] = []
    with TemporaryDirectory() as folder, always_directions():
        job = direction_job(Path(folder))
        made = learner.make_learner(job, PEOPLE)
        random = counting(asked)
        for step in range(job.steps):
            before = len(asked)
            made.step([0, 1] if step % 2 else [], step_settings(job, 2.0, step), random)
            assert len(asked) == before + 1, step
        kept = loaded(made.state())
    taken = [int(kept[f"{name}.looks"][0]) for name in ("centre", "sureness", "rightness", "directions")]
    assert taken == [2, 2, 2, 44]
    assert asked[-44:] == [kept["directions.sum"].size] * 44


def a_run_that_goes_on_keeps_its_sums_and_draws_new_noise() -> None:
    """What was released stays, what comes is added to it, and no two runs add the same."""
    with TemporaryDirectory() as folder, always_directions():
        job = direction_job(Path(folder))
        first = learner.make_learner(job, PEOPLE)
        advance(first, job, range(20), SecureRandom())
        state = first.state()
        ends = []
        for _ in range(2):
            again = learner.make_learner(job, PEOPLE)
            again.restore(state)
            kept = loaded(again.state())
            assert all(
                np.array_equal(kept[name], value) for name, value in loaded(state).items() if "." in name
            )
            advance(again, job, range(20, 50), SecureRandom())
            ends.append(loaded(again.state()))
    assert [int(end["directions.looks"][0]) for end in ends] == [44, 44]
    assert not np.array_equal(ends[0]["directions.sum"], ends[1]["directions.sum"])


def counting(asked: list[int]) -> SecureRandom:
    """Randomness that notes how many normals each request is for."""
    random, real = SecureRandom(), SecureRandom.gaussians

    def gaussians(count: int) -> Doubles:
        asked.append(count)
        return real(random, count)

    random.gaussians = gaussians  # type: ignore[method-assign]
    return random


def direction_job(folder: Path) -> TrainingJob:
    """Fifty steps; the looks for its start take two each."""
    return tiny_job(
        folder,
        steps=50,
        block_steps=50,
        noise_multiplier=2.0,
        optimizer="sgd",
        public_texts=("seizure fever", "weak arm"),
        public_messages=("seizure", "weak arm", "short leg . no fever", "arm and fever"),
        most_noise=0.4,
    )


@contextmanager
def always_directions() -> Iterator[None]:
    """Whatever the looks at rightness find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(head_learner, "seldom_right", lambda *_: True)
        yield


def advance(made: learner.Learner, job: TrainingJob, steps: range, random: SecureRandom) -> None:
    """Steps on everybody."""
    for step in steps:
        made.step(range(len(PEOPLE)), step_settings(job, 2.0, step), random)


def run(job: TrainingJob, people: list[TrainingPatient], drawn: list[int]) -> tuple[bytes, bytes]:
    """State and result of a run under one fixed stream of noise."""
    with always_directions():
        made, random = learner.make_learner(job, people), SecureRandom(b"d" * 32)
        for step in range(job.steps):
            made.step(drawn, step_settings(job, 2.0, step), random)
        return made.state(), made.result()


def loaded(state: bytes) -> dict[str, Doubles]:
    """A checkpoint's tensors."""
    from safetensors.numpy import load

    found: dict[str, Doubles] = load(state)
    return found


DIRECTION_CHECKS: tuple[Callable[[], None], ...] = (
    one_patient_moves_the_directions_by_at_most_the_clip,
    directions_are_summed_in_the_row_of_the_disease,
    the_directions_noise_has_its_spread_whoever_was_drawn,
    the_directions_noise_is_wider_than_claimed,
    directions_that_are_not_finite_count_as_zero,
    what_is_kept_and_told_comes_of_noised_sums_alone,
    every_step_of_a_run_has_noise_of_its_own_and_looks_once,
    a_run_that_goes_on_keeps_its_sums_and_draws_new_noise,
)

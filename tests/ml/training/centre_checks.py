"""What the promise rests on where a run's first steps look for a site's own centre; as in `dp_checks`."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from ml.frames import read_frame, write_frame
from ml.privacy.csprng import SecureRandom
from ml.training import own_centre, worker
from ml.training.dp_head import PatientFeatures, StepSettings
from ml.training.messages import TrainingPatient, encode_start
from tests.ml.tiny_job import tiny_job
from tests.ml.training.dp_checks import CLIP, HIDDEN, PLAN, patient

Doubles = npt.NDArray[np.float64]
QUIET = replace(PLAN, noise_multiplier=0.0)


def looked(people: list[PatientFeatures], settings: StepSettings = PLAN, *, hidden: int = HIDDEN) -> Doubles:
    """What one look releases."""
    centre = own_centre.OwnCentre(hidden, 1)
    centre.look(people, settings=settings, random=SecureRandom())
    return np.asarray(centre.state()["looked"])


def one_patient_moves_a_look_by_at_most_the_clip() -> None:
    """With 1 to 1,000 notes, however large, and whoever else was drawn."""
    others = [patient(2, seed=1), patient(1, seed=2)]
    for notes in (1, 3, 1000):
        for scale in (0.1, 3.0, 1e4):
            moved = looked([*others, patient(notes, seed=5, scale=scale)], QUIET) - looked(others, QUIET)
            length = float(np.linalg.norm(moved)) * QUIET.expected_batch
            assert length <= CLIP * (1 + 1e-4), (notes, scale)


def a_look_is_the_sum_of_clipped_means() -> None:
    """Divided by the public size, whoever was drawn."""
    people = [patient(n, seed=n, scale=s) for n, s in ((1, 3.0), (2, 0.05), (5, 3.0))]
    slow = np.zeros(HIDDEN)
    for person in people:
        mean = person.features.astype(np.float64).mean(axis=0)
        slow += mean * min(1.0, CLIP / np.linalg.norm(mean))
    assert np.allclose(looked(people, QUIET) * QUIET.expected_batch, slow, atol=1e-6)


def a_looks_noise_has_its_spread_whoever_was_drawn() -> None:
    """With nobody and with somebody; two looks never share it."""
    size = 50_000
    still = PatientFeatures(np.zeros((1, size), np.float32), 0)
    for people in ([], [still]):
        noise = looked(people, hidden=size) * PLAN.expected_batch / (PLAN.noise_multiplier * CLIP)
        assert abs(noise.std() - 1) < 0.01
        assert abs(noise.mean()) < 0.03
    assert not np.array_equal(looked([]), looked([]))


def a_looks_noise_is_wider_than_claimed() -> None:
    """As a step's."""
    random = SecureRandom()
    random.gaussians = lambda count: np.ones(count)  # type: ignore[method-assign]
    centre = own_centre.OwnCentre(HIDDEN, 1)
    centre.look([], settings=PLAN, random=random)
    told = centre.state()["looked"] * PLAN.expected_batch / (PLAN.noise_multiplier * CLIP)
    assert 1e-4 < told.min() - 1 <= told.max() - 1 < 1e-3


def a_look_at_what_is_not_finite_counts_it_as_zero() -> None:
    """NaN and infinity in one patient's features leave the others' sum alone."""
    for value in (np.nan, np.inf, -np.inf):
        ill = patient(2, seed=2)
        ill.features[0, 0] = value
        with np.errstate(all="ignore"):
            assert np.array_equal(
                looked([patient(2, seed=1), ill], QUIET), looked([patient(2, seed=1)], QUIET)
            )


def looks_are_among_the_steps_that_were_granted() -> None:
    """A run of fifty steps looks twice and descends forty-eight times: none is taken beside the ledger."""
    people = [TrainingPatient(0, ("seizure and fever",), 1), TrainingPatient(1, ("weak arm .",), 3)]
    with TemporaryDirectory() as folder:
        job = tiny_job(
            Path(folder),
            steps=50,
            block_steps=50,
            noise_multiplier=2.0,
            optimizer="sgd",
            public_texts=("seizure fever", "weak arm"),
            most_noise=0.4,
        )
        inward, outward = io.BytesIO(), io.BytesIO()
        write_frame(inward, encode_start(job, people))
        write_frame(inward, {"kind": "grant"})
        inward.seek(0)
        worker.serve(inward, outward)
    outward.seek(0)
    frames = []
    while (frame := read_frame(outward)) is not None:
        frames.append(frame)
    (kept,) = [worker_state(frame) for frame in frames if frame["kind"] == "checkpoint"]
    assert (int(kept["looks"][0]), int(kept["step"][0])) == (2, 48)
    assert sum(frame["kind"] == "progress" for frame in frames) == 50


def worker_state(frame: dict[str, object]) -> dict[str, Doubles]:
    """The tensors of a checkpoint."""
    from safetensors.numpy import load

    state = frame["state"]
    assert isinstance(state, bytes)
    found: dict[str, Doubles] = load(state)
    return found


CENTRE_CHECKS: tuple[Callable[[], None], ...] = (
    one_patient_moves_a_look_by_at_most_the_clip,
    a_look_is_the_sum_of_clipped_means,
    a_looks_noise_has_its_spread_whoever_was_drawn,
    a_looks_noise_is_wider_than_claimed,
    a_look_at_what_is_not_finite_counts_it_as_zero,
    looks_are_among_the_steps_that_were_granted,
)

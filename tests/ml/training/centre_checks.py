"""What the promise rests on where a run's first steps look instead of descending; as in `dp_checks`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from ml.privacy.csprng import SecureRandom
from ml.training import looks, own_centre, start_rightness, start_sureness
from ml.training.dp_head import PatientFeatures, StepSettings
from ml.training.messages import TrainingPatient
from tests.ml.tiny_job import tiny_job
from tests.ml.training.dp_checks import CLIP, HIDDEN, PLAN, head, patient
from tests.ml.training.whole_run import frames_of

Doubles = npt.NDArray[np.float64]
QUIET = replace(PLAN, noise_multiplier=0.0)


def features(people: list[PatientFeatures]) -> Doubles:
    """What a look for the centre is shown."""
    return own_centre.mean_features(people, HIDDEN)


def reliefs(people: list[PatientFeatures]) -> Doubles:
    """What a look at the start's sureness is shown."""
    return start_sureness.relief(head(), people)


def rights(people: list[PatientFeatures]) -> Doubles:
    """What a look at the start's rightness is shown; twice what is right, so that the clip is what holds."""
    return start_rightness.rightness(head(), people, 2 * CLIP)


def looked(shown: Doubles, settings: StepSettings = PLAN, random: SecureRandom | None = None) -> Doubles:
    """What one look releases, times the public size."""
    taken = looks.Looks("centre", shown.shape[1], 1)
    taken.look(shown, settings=settings, random=random or SecureRandom())
    return np.asarray(taken.state()["centre.sum"]) * settings.expected_batch


def one_patient_moves_a_look_by_at_most_the_clip() -> None:
    """With 1 to 1,000 notes, however large, and whoever else was drawn."""
    others = [patient(2, seed=1), patient(1, seed=2)]
    for show in (features, reliefs, rights):
        for notes in (1, 3, 1000):
            for scale in (0.1, 3.0, 1e4):
                her = patient(notes, seed=5, scale=scale)
                moved = looked(show([*others, her]), QUIET) - looked(show(others), QUIET)
                assert float(np.linalg.norm(moved)) <= CLIP * (1 + 1e-4), (show, notes, scale)


def a_look_is_the_sum_of_clipped_means() -> None:
    """Divided by the public size, whoever was drawn."""
    people = [patient(n, seed=n, scale=s) for n, s in ((1, 3.0), (2, 0.05), (5, 3.0))]
    slow = np.zeros(HIDDEN)
    for person in people:
        mean = person.features.astype(np.float64).mean(axis=0)
        slow += mean * min(1.0, CLIP / np.linalg.norm(mean))
    assert np.allclose(looked(features(people), QUIET), slow, atol=1e-6)


def a_look_at_sureness_is_the_sum_of_clipped_reliefs() -> None:
    """Each a mean over her notes, against whole heads that are held back."""
    people = [patient(n, seed=n, scale=s) for n, s in ((1, 3.0), (2, 0.05), (5, 3.0))]
    slow = np.zeros(len(start_sureness.SHARES))
    for person in people:
        losses = []
        for share in (1.0, *start_sureness.SHARES):
            held = head()
            start_sureness.hold_back(held, share)
            logits = np.c_[person.features, np.ones(len(person.features))].astype(np.float64) @ held.weights.T
            losses.append(np.mean(np.logaddexp.reduce(logits, axis=1) - logits[:, person.label]))
        shown = losses[0] - np.array(losses[1:])
        slow += shown * min(1.0, CLIP / np.linalg.norm(shown))
    assert np.allclose(looked(reliefs(people), QUIET), slow, atol=1e-5)


def a_looks_noise_has_its_spread_whoever_was_drawn() -> None:
    """With nobody and with somebody; two looks never share it."""
    size = 50_000
    for people in (0, 1):
        noise = looked(np.zeros((people, size))) / (PLAN.noise_multiplier * CLIP)
        assert abs(noise.std() - 1) < 0.01
        assert abs(noise.mean()) < 0.03
    assert not np.array_equal(looked(features([])), looked(features([])))


def a_looks_noise_is_wider_than_claimed() -> None:
    """As a step's."""
    random = SecureRandom()
    random.gaussians = lambda count: np.ones(count)  # type: ignore
    told = looked(features([]), random=random) / (PLAN.noise_multiplier * CLIP)
    assert 1e-4 < told.min() - 1 <= told.max() - 1 < 1e-3


def a_look_at_what_is_not_finite_counts_it_as_zero() -> None:
    """NaN and infinity in one patient's features leave the others' sum alone."""
    for value in (np.nan, np.inf, -np.inf):
        ill = patient(2, seed=2)
        ill.features[0, 0] = value
        with np.errstate(all="ignore"):
            for show in (features, reliefs, rights):
                both, well = (
                    looked(show(p), QUIET) for p in ([patient(2, seed=1), ill], [patient(2, seed=1)])
                )
                assert np.array_equal(both, well)


def looks_are_among_the_steps_that_were_granted() -> None:
    """A run of fifty steps looks four times and descends the others: none is taken beside the ledger."""
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
        frames = frames_of(job, people)
    (kept,) = [worker_state(frame) for frame in frames if frame["kind"] == "checkpoint"]
    taken = [int(kept[name][0]) for name in ("centre.looks", "sureness.looks", "step")]
    assert taken == [2, 2, 46]
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
    a_look_at_sureness_is_the_sum_of_clipped_reliefs,
    a_looks_noise_has_its_spread_whoever_was_drawn,
    a_looks_noise_is_wider_than_claimed,
    a_look_at_what_is_not_finite_counts_it_as_zero,
    looks_are_among_the_steps_that_were_granted,
)

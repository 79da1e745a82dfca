"""The fusion's weights learned by a run's last looks: who gains, what is chosen, runs cut off."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from ml.privacy.csprng import SecureRandom
from ml.registry.training_result import LearnedFusion
from ml.training.dp_head import PatientFeatures, StepSettings
from ml.training.fusion_looks import CANDIDATES, fused_gains, learned_fusion, look_settings
from ml.training.learner import make_learner
from ml.training.looks import Looks
from ml.training.messages import Beside, decode_start, encode_start
from ml.training.worker import step_settings
from tests.ml.tiny_job import tiny_job
from tests.ml.training.dp_checks import head, patient
from tests.ml.training.fusion_checks import PEOPLE, STEPS, WANTED, looking_job
from tests.ml.training.fusion_people import LEADERS, beside, slow_gains

TAUGHT = ("OMIM:2", "OMIM:4")


def even() -> Beside:
    """Findings that speak for no disease more than for another."""
    return Beside(b"", b"", rest=0.0, text_weight=0.4)


def people_at(place: int) -> list[PatientFeatures]:
    """Each with the disease that the head puts at this place of its order."""
    found = []
    for seed in range(40):
        her = patient(1, seed=seed)
        logits = her.features @ head().weights[:, :-1].T + head().weights[:, -1]
        found.append(replace(her, label=int(np.argsort(-logits[0])[place])))
    return found


def mean_gains(place: int) -> dict[LearnedFusion, float]:
    people = people_at(place)
    gains = fused_gains(head(), people, [even()] * len(people), np.arange(6, dtype=np.int32))
    return dict(zip(CANDIDATES, gains.mean(axis=0).tolist(), strict=True))


def test_a_text_that_is_right_gains_by_more_weight_and_one_that_is_wrong_loses() -> None:
    right, wrong = mean_gains(0), mean_gains(4)
    for candidate in CANDIDATES:
        if candidate.text * candidate.power > 2:
            assert right[candidate] > 0 > wrong[candidate]


def test_gains_are_those_of_diseases_gone_through_one_by_one() -> None:
    for seed in range(5):
        her, other = patient(seed + 1, seed=seed), beside(seed)
        fast = fused_gains(head(), [her], [other], LEADERS)[0]
        assert np.allclose(fast, slow_gains(head(), her, other), atol=1e-5)


def learned(gains: dict[LearnedFusion, float], noise: float) -> LearnedFusion:
    """From two looks at thirty patients who all gain so much."""
    looks, settings = Looks("fusion", len(CANDIDATES), 2), look_settings(StepSettings(5.0, noise, 30.0, 0.0))
    shown = np.full((30, len(CANDIDATES)), -0.1)
    for candidate, gain in gains.items():
        shown[:, CANDIDATES.index(candidate)] = gain
    while not looks.complete():
        looks.look(shown, settings=settings, random=SecureRandom(b"n" * 32))
    found = learned_fusion(looks, TAUGHT)
    assert found is not None
    assert found.taught == TAUGHT
    return found


def test_what_gains_clearly_is_learned_and_what_loses_is_not() -> None:
    for best in CANDIDATES:
        clear = learned({best: 0.1}, 1e-3)
        assert (clear.text, clear.power) == pytest.approx((best.text, best.power), abs=0.01)
    none = learned({}, 1e-3)
    assert (none.text, none.power) == pytest.approx((1.0, 1.0), abs=0.01)


def test_the_more_noise_the_nearer_to_the_middle_and_then_to_what_ships() -> None:
    best = CANDIDATES[-1]
    found = [learned({best: 0.2}, noise).text for noise in (1e-3, 3.0, 30.0, 3000.0)]
    assert best.text == pytest.approx(found[0], abs=0.01)
    assert found[0] > found[1] > found[2] > found[3]
    assert found[3] == pytest.approx(1.0, abs=0.01)


def test_without_looks_nothing_is_learned() -> None:
    assert learned_fusion(Looks("fusion", len(CANDIDATES), 0), TAUGHT) is None
    assert learned_fusion(Looks("fusion", len(CANDIDATES), 2), TAUGHT) is None


def test_what_was_learned_holds_for_whom_the_text_takes_for_a_taught_one() -> None:
    whole = LearnedFusion(4.0, 0.5, TAUGHT)
    assert whole.held_to(0.0) == LearnedFusion(1.0, 1.0, TAUGHT)
    assert whole.held_to(0.1) == LearnedFusion(2.0, 0.5**0.5, TAUGHT)
    sure = whole.held_to(1.0)
    assert (sure.text, sure.power) == pytest.approx((4.0, 0.5), rel=0.02)


def test_what_speaks_beside_the_text_comes_through_the_pipe_as_it_was(tmp_path: Path) -> None:
    job = looking_job(tmp_path)
    assert decode_start(encode_start(job, PEOPLE)) == (job, PEOPLE)


def test_a_share_stands_for_its_label_and_the_others_share_the_rest() -> None:
    other = Beside(
        np.array([2, -1], np.int32).tobytes(), np.array([1.5, 0.5], np.float32).tobytes(), np.log(3), 0.4
    )
    assert np.allclose(other.of_labels(4), [0, 0, 1.5, 0, 0.5])


@pytest.mark.parametrize("stopped_after", [STEPS - WANTED - 1, STEPS - WANTED, STEPS - 2])
def test_a_run_taken_up_among_its_looks_takes_those_that_are_left(tmp_path: Path, stopped_after: int) -> None:
    job = looking_job(tmp_path)
    whole, part = make_learner(job, PEOPLE), make_learner(job, PEOPLE)

    def steps(learner: object, first: int, last: int) -> None:
        for step in range(first, last):
            random = SecureRandom(step.to_bytes(32, "big"))
            learner.step(range(3), step_settings(job, 2.0, step), random)  # type: ignore[attr-defined]

    steps(whole, 0, STEPS)
    steps(part, 0, stopped_after)
    again = make_learner(replace(job, done_steps=stopped_after), PEOPLE)
    again.restore(part.state())
    steps(again, stopped_after, STEPS)
    one, other = load(whole.state()), load(again.state())
    assert np.array_equal(one["fusion.looks"], other["fusion.looks"])
    assert np.allclose(one["fusion.sum"], other["fusion.sum"], rtol=1e-3, atol=1e-4)
    once, twice = whole.fusion(), again.fusion()
    assert once is not None
    assert twice is not None
    assert (once.text, once.power) == pytest.approx((twice.text, twice.power), rel=0.01)


def test_a_run_whose_looks_were_lost_with_a_killed_block_goes_by_those_it_has(tmp_path: Path) -> None:
    job = looking_job(tmp_path)
    part = make_learner(job, PEOPLE)
    part.step(range(3), step_settings(job, 2.0, 0), SecureRandom())
    again = make_learner(replace(job, done_steps=STEPS - 1), PEOPLE)
    again.restore(part.state())
    again.step(range(3), step_settings(job, 1e-6, STEPS - 1), SecureRandom())
    assert int(load(again.state())["fusion.looks"][0]) == 1
    assert again.fusion() is not None


def test_an_encoder_leaves_the_fusion_as_it_is(tmp_path: Path) -> None:
    learner = make_learner(tiny_job(tmp_path, scope="bitfit", leaders=b""), PEOPLE)
    learner.step(range(3), step_settings(tiny_job(tmp_path), 2.0, 0), SecureRandom())
    assert learner.fusion() is None

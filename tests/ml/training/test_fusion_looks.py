"""The fusion's weights learned by a run's last looks: who gains, what is chosen, runs cut off."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from ml.privacy.csprng import SecureRandom
from ml.registry.training_result import LearnedFusion
from ml.training.dp_head import PatientFeatures, StepSettings
from ml.training.fusion_looks import CANDIDATES, fused_gains, learned_fusion
from ml.training.learner import make_learner
from ml.training.looks import Looks
from ml.training.messages import Beside, decode_start, encode_start
from ml.training.worker import step_settings
from tests.ml.tiny_job import tiny_job
from tests.ml.training.dp_checks import head, patient
from tests.ml.training.fusion_checks import PEOPLE, STEPS, WANTED, looking_job
from tests.ml.training.fusion_people import LEADERS, beside, slow_gains

TEXT, SURE, UNSURE = LearnedFusion(text=2.0), LearnedFusion(power=1.4), LearnedFusion(power=0.7)


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


def test_a_text_that_is_right_gains_by_more_weight_and_one_that_is_wrong_by_less() -> None:
    right, wrong = mean_gains(0), mean_gains(4)
    assert right[TEXT] > 0 > wrong[TEXT]
    assert right[SURE] > 0 > right[UNSURE]
    assert wrong[UNSURE] > 0 > wrong[SURE]


def test_gains_are_those_of_diseases_gone_through_one_by_one() -> None:
    for seed in range(5):
        her, other = patient(seed + 1, seed=seed), beside(seed)
        fast = fused_gains(head(), [her], [other], LEADERS)[0]
        assert np.allclose(fast, slow_gains(head(), her, other), atol=1e-5)


def test_weights_are_chosen_only_where_a_gain_stands_out_of_the_noise() -> None:
    def chosen(gain: float, noise: float) -> LearnedFusion | None:
        looks, settings = Looks("fusion", len(CANDIDATES), 2), StepSettings(5.0, noise, 30.0, 0.0)
        shown = np.zeros((30, len(CANDIDATES)))
        shown[:, CANDIDATES.index(TEXT)] = gain
        while not looks.complete():
            looks.look(shown, settings=settings, random=SecureRandom(b"n" * 32))
        return learned_fusion(looks)

    assert chosen(0.1, 1e-3) == TEXT
    assert chosen(0.1, 1000.0) is None
    assert chosen(-0.1, 1e-3) is None
    assert learned_fusion(Looks("fusion", len(CANDIDATES), 0)) is None


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
    assert whole.fusion() == again.fusion()


def test_a_run_whose_looks_were_lost_with_a_killed_block_goes_by_those_it_has(tmp_path: Path) -> None:
    job = looking_job(tmp_path)
    part = make_learner(job, PEOPLE)
    part.step(range(3), step_settings(job, 2.0, 0), SecureRandom())
    again = make_learner(replace(job, done_steps=STEPS - 1), PEOPLE)
    again.restore(part.state())
    again.step(range(3), step_settings(job, 1e-6, STEPS - 1), SecureRandom())
    assert int(load(again.state())["fusion.looks"][0]) == 1
    assert again.fusion() in (None, *CANDIDATES)


def test_an_encoder_leaves_the_fusion_as_it_is(tmp_path: Path) -> None:
    learner = make_learner(tiny_job(tmp_path, scope="bitfit", leaders=b""), PEOPLE)
    learner.step(range(3), step_settings(tiny_job(tmp_path), 2.0, 0), SecureRandom())
    assert learner.fusion() is None

"""The plain side of the timing takes the same step as the private one without clipping and noise."""

from mmap import mmap

import numpy as np
import pytest

from ml.training.book_keeping import BookKeeping
from ml.training.clipping import Clipping
from ml.training.dp_head import HeadState, PatientFeatures, clipped_sum, with_frozen
from ml.training.peak_memory import forget_peak, peak_bytes
from ml.training.step_timing import PlainTrainer, plain_gradient
from tests.ml.training.tiny_people import tiny

NO_CLIP = 1e9


def test_the_plain_head_gradient_is_the_mean_of_the_patients_own() -> None:
    rng = np.random.default_rng(5)
    weight, bias = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=7).astype(np.float32)
    state = HeadState.start(weight, bias, [0, 2, 6])
    people = with_frozen(
        state,
        [PatientFeatures(rng.normal(size=(n, 5)).astype(np.float32), y) for n, y in ((1, 2), (4, 0), (3, 5))],
    )
    assert plain_gradient(state, people) == pytest.approx(clipped_sum(state, people, NO_CLIP) / 3, abs=1e-6)


@pytest.mark.parametrize("scope", ["full", "lora"])
def test_the_plain_gradient_is_the_mean_of_the_patients_own(scope: str) -> None:
    _, network, people = tiny(scope)
    plain = PlainTrainer(network, learning_rate=0.1)
    plain.backward(people)
    found = [p.grad.clone() for p in plain.parameters if p.grad is not None]
    engine = BookKeeping(network)
    summed = engine.clipped_sum(people, Clipping(NO_CLIP))
    for ours, total in zip(found, summed, strict=True):
        assert ours.numpy() == pytest.approx(total.numpy() / len(people), abs=1e-5)


def test_the_peak_of_memory_is_counted_anew() -> None:
    before = forget_peak()
    with mmap(-1, 32 << 20) as held:  # pages of its own: what Python has freed before is still resident
        held.write(b"1" * len(held))
        assert before == 0 or peak_bytes() >= before + len(held) // 2

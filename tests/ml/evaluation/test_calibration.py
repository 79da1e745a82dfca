"""Reliability, ECE and Brier score agree with slow references."""

import numpy as np
import pytest

from ml.evaluation.calibration import (
    brier_of_first,
    calibration_noise,
    expected_calibration_error,
    reliability,
)


def slow_ece(stated: list[float], correct: list[bool], bins: int) -> float:
    error = 0.0
    for b in range(bins):
        here = [i for i, p in enumerate(stated) if b / bins < p <= (b + 1) / bins or (b == 0 and p == 0)]
        if here:
            confidence = sum(stated[i] for i in here) / len(here)
            accuracy = sum(correct[i] for i in here) / len(here)
            error += len(here) / len(stated) * abs(confidence - accuracy)
    return error


def test_ece_agrees_with_a_loop_over_bins() -> None:
    rng = np.random.default_rng(1)
    stated = rng.uniform(size=300)
    correct = rng.uniform(size=300) < stated**2
    assert expected_calibration_error(stated, correct) == pytest.approx(
        slow_ece(stated.tolist(), correct.tolist(), 10)
    )


def test_certain_and_right_is_perfectly_calibrated() -> None:
    assert expected_calibration_error(np.ones(5), np.ones(5, bool)) == 0


def test_certain_and_wrong_is_as_bad_as_can_be() -> None:
    assert expected_calibration_error(np.ones(5), np.zeros(5, bool)) == 1


def test_every_prediction_is_in_one_bin() -> None:
    stated = np.array([0.0, 0.1, 0.1000001, 0.5, 1.0])
    diagram = reliability(stated, np.ones(5, bool))
    assert sum(b.count for b in diagram) == 5
    assert [(b.low, b.count) for b in diagram] == [(0.0, 2), (0.1, 1), (0.4, 1), (0.9, 1)]


@pytest.mark.parametrize("count", [60, 126, 542])
def test_the_noise_is_what_probabilities_that_are_true_show_by_chance(count: int) -> None:
    rng = np.random.default_rng(count)
    stated = rng.beta(0.6, 0.5, count)
    drawn = [expected_calibration_error(stated, rng.uniform(size=count) < stated) for _ in range(400)]
    assert calibration_noise(stated) == pytest.approx(np.mean(drawn), rel=0.06)


def test_stating_the_mean_of_all_wins_the_ece_but_not_the_brier_score() -> None:
    stated, correct = np.array([0.9, 0.9, 0.9, 0.2]), np.array([True, True, True, False])
    mean = np.full(4, 0.75)
    assert expected_calibration_error(mean, correct) < expected_calibration_error(stated, correct)
    assert brier_of_first(stated, correct) == pytest.approx((3 * 0.1**2 + 0.2**2) / 4)
    assert brier_of_first(mean, correct) > brier_of_first(stated, correct)


def test_nothing_has_neither_noise_nor_score() -> None:
    nothing = np.zeros(0)
    assert calibration_noise(nothing) == brier_of_first(nothing, nothing.astype(bool)) == 0

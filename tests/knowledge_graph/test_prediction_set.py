"""Prediction sets hold what they promise on exchangeable cases, and say how strange a patient is."""

import numpy as np
import pytest

from knowledge_graph.ranking.prediction_set import (
    COVERAGE,
    SetCalibration,
    best_of_ids,
    gaps_below_first,
    weighted_quantile,
)


def test_the_quantile_leaves_room_for_the_new_patient() -> None:
    values, alike = np.arange(1.0, 11.0), np.ones(10)
    assert weighted_quantile(values, alike, 0.9) == 10.0  # the tenth of eleven
    assert weighted_quantile(values, alike, 0.5) == 6.0
    assert weighted_quantile(values[:5], alike[:5], 0.9) == np.inf
    heavy = np.where(values == 1.0, 100.0, 1.0)
    assert weighted_quantile(values, heavy, 0.5) == 1.0


def test_sets_hold_the_truth_as_often_as_they_promise() -> None:
    rng = np.random.default_rng(4)
    probability = rng.dirichlet(np.full(30, 0.3), size=2000)
    truth = np.array([rng.choice(30, p=row) for row in probability])
    totals = np.log(probability)
    gaps = [gaps_below_first(row)[t] for row, t in zip(totals, truth, strict=True)]
    sets = SetCalibration.of_cases(gaps[:1000], gaps[:1000], np.ones(1000))
    held = [t in sets.members(row) for row, t in zip(totals[1000:], truth[1000:], strict=True)]
    assert np.mean(held) == pytest.approx(COVERAGE, abs=0.03)
    assert np.mean([len(sets.members(row)) for row in totals[1000:]]) < 15


def test_members_come_likeliest_first() -> None:
    sets = SetCalibration(gap=3.0, strongest=tuple(float(s) for s in range(19)))
    assert sets.members(np.array([1.0, 4.0, 0.5, 2.0, 3.0])).tolist() == [1, 4, 3, 0]


def test_a_disease_is_as_good_as_the_best_of_its_ids() -> None:
    best = best_of_ids(np.array([1.0, 5.0, 3.0]), np.array([0, 0, 2]))
    assert best.tolist() == [5.0, -np.inf, 3.0]


def test_the_weaker_the_strongest_candidate_the_stranger_the_patient() -> None:
    sets = SetCalibration(gap=1.0, strongest=tuple(float(s) for s in range(19)))
    assert sets.unlike_known(-1.0) == 1.0
    assert sets.unlike_known(9.0) == pytest.approx(0.5)
    assert sets.unlike_known(99.0) == 0.0


def test_the_shipped_calibration_carries_its_hash() -> None:
    sets = SetCalibration.load()
    assert np.isfinite(sets.gap)
    assert list(sets.strongest) == sorted(sets.strongest)
    text = sets.to_text("a remark")
    assert SetCalibration.of_text(text) == sets
    with pytest.raises(ValueError, match="sha256"):
        SetCalibration.of_text(text.replace("gap = ", "gap = 1", 1))

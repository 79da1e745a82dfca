"""Intervals agree with published examples and hold what they promise; gaps and drift are what they say."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from ml.evaluation.drift import jensen_shannon
from ml.evaluation.share import difference, paired_difference, share_of
from ml.evaluation.subgroups import LEAST_CASES, group_shares, opportunity_gap


def cases(right: int, n: int) -> np.ndarray:
    return np.arange(n) < right


def test_a_share_has_the_interval_of_wilson() -> None:
    found = share_of(cases(81, 263))  # Newcombe 1998, Statistics in Medicine 17:857, table I
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (share_of(cases(0, 0)).low, share_of(cases(0, 0)).high) == (0.0, 1.0)
    assert share_of(cases(10, 10)).high == pytest.approx(1.0)


def test_a_difference_has_the_interval_of_newcombe() -> None:
    value, low, high = difference(cases(56, 70), cases(48, 80))  # Newcombe 1998, 17:873, method 10
    assert (value, low, high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    wide = difference(cases(56, 70), cases(48, 80), comparisons=3)
    assert wide[1] < low
    assert wide[2] > high


def test_a_paired_difference_counts_only_what_changed() -> None:
    old = cases(50, 100)
    assert paired_difference(old, old) == (0.0, 0.0, 0.0)
    new = old.copy()
    new[60:70] = True
    value, low, high = paired_difference(new, old)
    assert value == pytest.approx(0.1)
    assert 0 < low < value < high


def test_intervals_hold_the_truth_as_often_as_they_promise() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        found = share_of(rng.random(120) < 0.3)
        held += found.low <= 0.3 <= found.high
    assert held / 400 > 0.92


def test_the_gap_is_between_the_best_and_the_worst_group_that_is_large_enough() -> None:
    groups = ["a"] * 50 + ["b"] * 50 + ["c"] * (LEAST_CASES - 1)
    right = np.concatenate([cases(40, 50), cases(20, 50), cases(0, LEAST_CASES - 1)])
    gap = opportunity_gap("sex", groups, right)
    assert gap is not None
    assert (gap.best, gap.worst) == ("a", "b")
    assert gap.value == pytest.approx(0.4)
    assert 0 < gap.low < 0.4 < gap.high
    assert [g.share.n for g in group_shares("sex", groups, right)] == [50, 50, LEAST_CASES - 1]
    assert opportunity_gap("sex", ["a"] * 50, cases(3, 50)) is None


def test_the_divergence_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.dirichlet(np.ones(9)), rng.dirichlet(np.ones(9))
    assert jensen_shannon(one, other) == pytest.approx(jensenshannon(one, other, base=2) ** 2)
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1.0
    assert jensen_shannon(one, one) == 0.0

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
    new = old.copy()
    new[60:70] = True
    value, low, high = paired_difference(new, old)
    assert value == pytest.approx(0.1)
    assert 0 < low < value < high


def pairs(both: int, gained: int, lost: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    one = np.repeat([True, True, False, False], [both, gained, lost, neither])
    return one, np.repeat([True, False, True, False], [both, gained, lost, neither])


def test_a_paired_difference_has_the_interval_of_tango() -> None:
    """Fagerland, Lydersen, Laake 2014, Statistics in Medicine 33:2850: airway hyper-responsiveness."""
    assert paired_difference(*pairs(1, 1, 7, 12)) == pytest.approx((-0.2857, -0.517, -0.026), abs=5e-4)


def test_where_no_pair_differs_the_interval_is_as_wide_as_the_cases_are_few() -> None:
    z2 = 1.959964**2
    for n in (1, 10, 100):
        value, low, high = paired_difference(cases(n // 2, n), cases(n // 2, n))
        assert value == 0
        assert (low, high) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), abs=1e-6)
    assert paired_difference(cases(0, 0), cases(0, 0)) == (0.0, -1.0, 1.0)


def score(difference: float, gained: int, lost: int, n: int) -> float:
    """The statistic with the share lost that makes the counts likeliest, looked for on a fine grid."""
    share = np.linspace(max(0.0, -difference), (1 - difference) / 2, 200_001)[1:-1]
    likelihood = (n - gained - lost) * np.log(1 - 2 * share - difference)
    likelihood += gained * np.log(share + difference) + lost * np.log(share)
    best = share[likelihood.argmax()]
    return float((gained - lost - n * difference) / np.sqrt(n * (2 * best + difference * (1 - difference))))


@pytest.mark.slow
@pytest.mark.parametrize("counts", [(1, 1, 7, 12), (40, 20, 10, 50), (200, 3, 1, 96), (5, 12, 11, 2)])
def test_the_ends_of_a_paired_difference_are_where_the_score_is_z(counts: tuple[int, ...]) -> None:
    _, gained, lost, _ = counts
    _, low, high = paired_difference(*pairs(*counts))
    assert score(low, gained, lost, sum(counts)) == pytest.approx(1.96, abs=2e-3)
    assert score(high, gained, lost, sum(counts)) == pytest.approx(-1.96, abs=2e-3)


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

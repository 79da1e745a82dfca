"""Shares and intervals are as counted by hand; folds keep together what belongs together."""

import numpy as np
import pytest

from app.workflows.estimate_shares import estimate, estimate_shares, grouped_folds


def test_micro_counts_cases_and_macro_diseases() -> None:
    found = estimate_shares(np.array([1.0, 1.0, 5.0, 40.0]), ["A", "A", "A", "B"])
    assert found.top1.value == pytest.approx(2 / 4)
    assert found.top10.value == pytest.approx(3 / 4)
    assert found.macro_top1.value == pytest.approx((2 / 3 + 0) / 2)
    assert found.macro_top10.value == pytest.approx((1 + 0) / 2)
    assert (found.macro_top10.low, found.macro_top10.high) == (0, 1)  # either disease may be drawn alone


def test_more_diseases_make_the_interval_narrow() -> None:
    def width(diseases: int) -> float:
        ranks = np.tile([1.0, 20.0], diseases // 2)
        found = estimate_shares(ranks, [str(n) for n in range(diseases)]).top1
        assert found.low < 0.5 < found.high
        return found.high - found.low

    assert width(400) == pytest.approx(4 * 0.5 / 20, rel=0.15)  # two standard errors either way
    assert width(40) > 2.5 * width(400)


def test_many_cases_of_one_disease_say_no_more_than_a_few() -> None:
    ranks, diseases = np.array([1.0, 20.0] * 5), [str(n) for n in range(10)]
    few, many = (estimate_shares(np.repeat(ranks, n), np.repeat(diseases, n).tolist()) for n in (1, 50))
    assert few.top1 == many.top1


def test_any_measure_has_the_interval_that_other_diseases_give() -> None:
    rng = np.random.default_rng(3)
    right, diseases = rng.uniform(size=300) < 0.4, [f"D{n % 90}" for n in range(300)]
    share = estimate_shares(np.where(right, 1.0, 20.0), diseases).top1
    found = estimate(lambda some: float(right[some].mean()), diseases)
    assert (found.value, found.low, found.high) == pytest.approx(
        (share.value, share.low, share.high), abs=0.01
    )


def test_items_with_a_label_in_common_share_a_fold() -> None:
    labels = [("a", 1), ("b", 2), ("c", 1), ("d",), ("b", 3), ("e", 3)]
    fold = grouped_folds(labels, 2)
    assert fold[0] == fold[2]
    assert fold[1] == fold[4] == fold[5]
    assert sorted(fold.count(f) for f in (0, 1)) == [3, 3]
    assert grouped_folds(labels, 2) == fold

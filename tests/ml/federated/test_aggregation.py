"""Aggregates agree with slow, obvious references, and no site can pull them at will."""

import statistics
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from ml.errors import UpdateRefused
from ml.federated.aggregation import AggregationPlan, aggregate, length, weigh
from ml.federated.payload import Tensors, write_payload
from ml.federated.update_file import VerifiedUpdate
from tests.ml.federated.small_federation import base, some_delta, tensors, verified

UNCLIPPED = AggregationPlan(norm_factor=1e9, weight_factor=1e9)


def sites(count: int, *, weights: Sequence[int] = ()) -> list[VerifiedUpdate]:
    given = list(weights) or [1] * count
    return [verified(f"site{i}", some_delta(seed=i), weight=given[i]) for i in range(count)]


def change(updates: Sequence[VerifiedUpdate], plan: AggregationPlan) -> Tensors:
    """What the aggregate adds to the base."""
    start = base()
    _, moved, _ = aggregate(updates, start, plan)
    return {name: moved[name] - start.whole[name] for name in moved}


def reference(updates: Sequence[VerifiedUpdate], plan: AggregationPlan) -> Tensors:
    """Number by number in plain Python: clip, then the middle."""
    norms = [sum(float(v) ** 2 for t in u.delta.values() for v in t.ravel()) ** 0.5 for u in updates]
    longest = plan.norm_factor * sorted(norms)[(len(norms) - 1) // 2]
    scales = [min(1.0, longest / norm) for norm in norms]
    weights = [u.statement.weight for u in updates]
    heaviest = plan.weight_factor * sorted(weights)[(len(weights) - 1) // 2]
    clipped = [min(w, heaviest) for w in weights]
    result = {}
    for name, like in base().own.items():
        values = []
        for place in range(like.size):
            column = [
                float(u.delta[name].ravel()[place]) * scale for u, scale in zip(updates, scales, strict=True)
            ]
            values.append(_middle(column, clipped, plan))
        result[name] = np.array(values, np.float32).reshape(like.shape)
    return result


def _middle(column: list[float], weights: list[float], plan: AggregationPlan) -> float:
    if plan.method == "median":
        return statistics.median(column)
    if plan.method == "trimmed":
        out = max(1, int(plan.trim * len(column)))
        return statistics.fmean(sorted(column)[out : len(column) - out])
    return sum(w * v for w, v in zip(weights, column, strict=True)) / sum(weights)


@pytest.mark.parametrize("method", ["mean", "median", "trimmed"])
@pytest.mark.parametrize("count", [3, 4, 7, 10])
def test_each_method_agrees_with_the_slow_reference(method: str, count: int) -> None:
    updates = sites(count, weights=[1 + 3 * (i % 4) for i in range(count)])
    plan = AggregationPlan(method, norm_factor=1.1, weight_factor=1.5)
    got, wanted = change(updates, plan), reference(updates, plan)
    for name in wanted:
        np.testing.assert_allclose(got[name], wanted[name], atol=1e-6)


def test_the_weighted_mean_of_two_is_what_one_would_write_down() -> None:
    first, second = tensors([1, 0, 0], np.zeros((3, 2))), tensors([0, 1, 0], np.zeros((3, 2)))
    updates = [verified("a", first, weight=1), verified("b", second, weight=3)]
    got = change(updates, UNCLIPPED)
    np.testing.assert_allclose(got["head.bias"], [0.25, 0.75, 0], atol=1e-6)


@pytest.mark.parametrize("method", ["mean", "median", "trimmed"])
def test_the_order_of_files_and_of_names_changes_no_byte(method: str) -> None:
    updates = sites(5, weights=[1, 2, 3, 4, 5])
    turned = [
        verified(u.statement.site, dict(reversed(u.delta.items())), weight=u.statement.weight)
        for u in updates
    ]
    one = aggregate(updates, base(), AggregationPlan(method))
    other = aggregate(turned[::-1], base(), AggregationPlan(method))
    assert one[0] == other[0]
    assert write_payload(one[1]) == write_payload(other[1])


def test_a_huge_claimed_weight_counts_as_a_factor_of_the_median_one() -> None:
    shares = [c.weight for c in weigh(sites(3, weights=[10, 10, 10_000_000]), AggregationPlan())]
    assert shares == pytest.approx([0.25, 0.25, 0.5])


def test_with_two_sites_the_heavier_does_not_set_its_own_limit() -> None:
    shares = [c.weight for c in weigh(sites(2, weights=[1, 1_000_000]), AggregationPlan())]
    assert shares == pytest.approx([1 / 3, 2 / 3])


def test_a_delta_far_too_long_is_shortened_to_a_factor_of_the_median_length() -> None:
    updates = [*sites(4), verified("liar", some_delta(seed=9, scale=1e6))]
    lying = weigh(updates, AggregationPlan())[-1]
    honest = sorted(length(u.delta) for u in updates)[2]
    assert lying.norm * lying.scale == pytest.approx(2 * honest)
    moved = change(updates, AggregationPlan())
    assert length(moved) < 2 * honest


@pytest.mark.parametrize("method", ["median", "trimmed"])
def test_one_liar_among_five_cannot_leave_the_span_of_the_honest(method: str) -> None:
    honest = sites(4)
    moved = change(
        [*honest, verified("liar", some_delta(seed=9, scale=1e6))], replace(UNCLIPPED, method=method)
    )
    for name in moved:
        stack = np.stack([u.delta[name] for u in honest])
        assert (moved[name] >= stack.min(axis=0) - 1e-6).all()
        assert (moved[name] <= stack.max(axis=0) + 1e-6).all()


def test_a_tensor_that_one_site_left_alone_counts_as_no_change_there() -> None:
    updates = [
        verified("a", {"head.bias": np.ones(3, np.float32)}),
        verified("b", {"encoder.a": np.ones(4, np.float32)}),
    ]
    got = change(updates, UNCLIPPED)
    np.testing.assert_allclose(got["head.bias"], 0.5, atol=1e-6)
    np.testing.assert_allclose(got["encoder.a"], 0.5, atol=1e-6)
    assert not got["head.weight"].any()


def test_all_zero_deltas_leave_the_base_as_it_was() -> None:
    nothing = tensors(np.zeros(3), np.zeros((3, 2)))
    _, moved, _ = aggregate([verified("a", nothing), verified("b", nothing)], base(), AggregationPlan())
    assert write_payload(moved) == write_payload(base().own)


def test_the_new_base_follows_the_old_and_carries_the_largest_epsilon() -> None:
    updates = sites(3)
    statement, _, _ = aggregate(updates, base(), AggregationPlan("median"))
    assert (statement.base, statement.round, statement.method) == (base().base_id, 1, "median")
    assert statement.updates == tuple(sorted(u.digest for u in updates))
    assert (statement.epsilon, statement.delta) == (2.5, 1e-5)


@pytest.mark.parametrize(
    ("updates", "plan", "why"),
    [
        (sites(1), AggregationPlan(), "2 updates or more"),
        (sites(2), AggregationPlan("trimmed"), "3 updates or more"),
        ([*sites(2), *sites(1)], AggregationPlan(), "twice"),
        (sites(3), AggregationPlan("krum"), "no method"),
        (sites(3), AggregationPlan(norm_factor=0.5), "factors"),
        (sites(3), AggregationPlan(trim=0.5), "trimmed share"),
    ],
)
def test_what_cannot_be_aggregated_is_refused(
    updates: list[VerifiedUpdate], plan: AggregationPlan, why: str
) -> None:
    with pytest.raises(UpdateRefused, match=why):
        aggregate(updates, base(), plan)

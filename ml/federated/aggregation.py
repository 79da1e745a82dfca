"""Many deltas into one: weighted mean, coordinate median, trimmed mean; outliers are clipped first.

No site can pull the result at will: a delta's length is clipped to a factor of the median length, a
claimed weight to a factor of the median weight. The median taken is the lower one, so that with two
sites the larger does not set its own limit. Names are sorted and sites ordered by digest: the
same updates give the same bytes, in whatever order they are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

import numpy as np

from ml.errors import UpdateRefused
from ml.federated.base_version import BaseVersion, moved_by
from ml.federated.payload import Tensors
from ml.federated.statement import BaseStatement
from ml.federated.update_file import VerifiedUpdate

METHODS = ("mean", "median", "trimmed")
_LEAST = {"mean": 2, "median": 2, "trimmed": 3}

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class AggregationPlan:
    """How to aggregate. `trim` is the share of sites left out at each end, at least one."""

    method: str = "mean"
    norm_factor: float = 2.0
    weight_factor: float = 2.0
    trim: float = 0.2


@dataclass(frozen=True, slots=True)
class Contribution:
    """What became of one update: its length before, the factor it was shortened by, its weight's share."""

    site: str
    norm: float
    scale: float
    weight: float


def aggregate(
    updates: Sequence[VerifiedUpdate], base: BaseVersion, plan: AggregationPlan
) -> tuple[BaseStatement, Tensors, tuple[Contribution, ...]]:
    """The new base's statement and tensors, and what each update contributed. Raises UpdateRefused."""
    _check(updates, plan)
    ordered = sorted(updates, key=lambda u: u.digest)
    contributions = weigh(ordered, plan)
    delta = combine([u.delta for u in ordered], contributions, plan)
    statement = BaseStatement(
        base=base.base_id,
        round=base.round + 1,
        method=plan.method,
        updates=tuple(u.digest for u in ordered),
        epsilon=max(base.epsilon, *(u.statement.privacy.epsilon for u in ordered)),
        delta=max(base.delta, *(u.statement.privacy.delta for u in ordered)),
        labels=base.labels_sha256,
        encoder=base.encoder_sha256,
    )
    return statement, moved_by(base, delta), contributions


def weigh(updates: Sequence[VerifiedUpdate], plan: AggregationPlan) -> tuple[Contribution, ...]:
    """Lengths and weights, each clipped to its factor of the lower median."""
    norms = [length(u.delta) for u in updates]
    weights = [float(u.statement.weight) for u in updates]
    longest = plan.norm_factor * median_low(norms)
    heaviest = plan.weight_factor * median_low(weights)
    clipped = [min(w, heaviest) for w in weights]
    shares = (
        [w / sum(clipped) for w in clipped] if plan.method == "mean" else [1 / len(updates)] * len(updates)
    )
    return tuple(
        Contribution(u.statement.site, norm, min(1.0, longest / norm) if norm > 0 else 1.0, share)
        for u, norm, share in zip(updates, norms, shares, strict=True)
    )


def combine(
    deltas: Sequence[Tensors], contributions: Sequence[Contribution], plan: AggregationPlan
) -> Tensors:
    """One delta; a tensor that a site left as it was counts as zero there."""
    shapes = {name: tensor.shape for delta in deltas for name, tensor in delta.items()}
    combined: Tensors = {}
    for name in sorted(shapes):
        zero = np.zeros(shapes[name], np.float32)
        stack = np.stack(
            [
                delta.get(name, zero).astype(np.float64) * contribution.scale
                for delta, contribution in zip(deltas, contributions, strict=True)
            ]
        )
        combined[name] = _middle(stack, np.array([c.weight for c in contributions]), plan).astype(np.float32)
    return combined


def length(delta: Tensors) -> float:
    """The Euclidean length of a whole delta."""
    squares = [float(np.square(tensor, dtype=np.float64).sum()) for tensor in delta.values()]
    return float(np.sqrt(sum(squares)))


def _middle(stack: FloatArray, weights: FloatArray, plan: AggregationPlan) -> FloatArray:
    if plan.method == "median":
        middle: FloatArray = np.median(stack, axis=0)
    elif plan.method == "trimmed":
        left_out = _left_out(len(stack), plan.trim)
        middle = np.sort(stack, axis=0)[left_out : len(stack) - left_out].mean(axis=0)
    else:
        middle = np.tensordot(weights, stack, axes=1)
    return middle


def _left_out(count: int, trim: float) -> int:
    return min(max(1, int(trim * count)), (count - 1) // 2)


def _check(updates: Sequence[VerifiedUpdate], plan: AggregationPlan) -> None:
    if plan.method not in METHODS:
        raise UpdateRefused(f"there is no method {plan.method!r}; choose one of {', '.join(METHODS)}")
    if not (plan.norm_factor >= 1 and plan.weight_factor >= 1 and 0 <= plan.trim < 0.5):
        raise UpdateRefused("the factors must be 1 or more, the trimmed share from 0 to below 0.5")
    if len(updates) < _LEAST[plan.method]:
        raise UpdateRefused(
            f"{plan.method} needs {_LEAST[plan.method]} updates or more, not {len(updates)}; wait for others"
        )
    if len({u.statement.site for u in updates}) != len(updates):
        raise UpdateRefused("a site is there twice; name one update of each site")

"""Whether a model serves all alike: shares by group, and the equal-opportunity gap.

Equal opportunity (Hardt, Price and Srebro 2016): whoever has a disease has the same chance that it is
named, whatever her group. The gap is the difference between the best and the worst served group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from ml.evaluation.share import BoolArray, Share, difference, share_of

LEAST_CASES = 20  # a smaller group is shown, but judges nobody


@dataclass(frozen=True, slots=True)
class GroupShare:
    """How often the right disease is named for one group of an attribute."""

    attribute: str
    group: str
    share: Share


@dataclass(frozen=True, slots=True)
class OpportunityGap:
    """best - worst group, 0 to 1; the interval allows for having picked the pair among all."""

    attribute: str
    best: str
    worst: str
    value: float
    low: float
    high: float


def group_shares(attribute: str, groups: Sequence[str], right: BoolArray) -> tuple[GroupShare, ...]:
    """One share for each group, in the order of first appearance."""
    return tuple(GroupShare(attribute, g, share_of(right[_of(groups, g)])) for g in dict.fromkeys(groups))


def opportunity_gap(attribute: str, groups: Sequence[str], right: BoolArray) -> OpportunityGap | None:
    """Between the groups that are large enough; None where fewer than two are."""
    names = [g for g in dict.fromkeys(groups) if _of(groups, g).sum() >= LEAST_CASES]
    if len(names) < 2:
        return None
    shares = {g: float(right[_of(groups, g)].mean()) for g in names}
    best, worst = max(names, key=shares.__getitem__), min(names, key=shares.__getitem__)
    pairs = len(list(combinations(names, 2)))
    value, low, high = difference(right[_of(groups, best)], right[_of(groups, worst)], comparisons=pairs)
    return OpportunityGap(attribute, best, worst, value, max(0.0, low), high)


def _of(groups: Sequence[str], group: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([g == group for g in groups], dtype=bool)

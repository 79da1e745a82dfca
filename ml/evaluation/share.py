"""A share with its 95 % interval, and the difference of two shares with one."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """`value` of `n` cases (0 to 1), between `low` and `high` with 95 % confidence."""

    value: float
    low: float
    high: float
    n: int


def share_of(right: BoolArray, *, comparisons: int = 1) -> Share:
    """The score interval of Wilson (1927); 0 to 1 where there is no case.

    With several comparisons each interval is wider, so that all hold together (Bonferroni).
    """
    n = len(right)
    value = float(right.mean()) if n else 0.0
    return Share(value, *interval(value, n, comparisons=comparisons), n)


def interval(value: float, n: int, *, comparisons: int = 1) -> tuple[float, float]:
    """The interval of a share of `n` cases."""
    if n == 0:
        return 0.0, 1.0
    z = _z(comparisons)
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(value * (1 - value) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(one: BoolArray, other: BoolArray, *, comparisons: int = 1) -> tuple[float, float, float]:
    """one - other of two independent groups, with its interval (Newcombe 1998, method 10)."""
    a, b = (share_of(group, comparisons=comparisons) for group in (one, other))
    value = a.value - b.value
    low = value - sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2)
    high = value + sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    return value, low, high


def paired_difference(one: BoolArray, other: BoolArray) -> tuple[float, float, float]:
    """one - other on the same cases, with its large-sample interval (Fleiss 1981)."""
    n = len(one)
    if n == 0:
        return 0.0, -1.0, 1.0
    gained, lost = int((one & ~other).sum()), int((other & ~one).sum())
    value = (gained - lost) / n
    half = _z(1) * sqrt(max(gained + lost - (gained - lost) ** 2 / n, 0.0)) / n
    return value, max(-1.0, value - half), min(1.0, value + half)


def _z(comparisons: int) -> float:
    return NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * max(comparisons, 1)))

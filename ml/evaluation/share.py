"""A share with its 95 % interval, and the difference of two shares with one."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]
CONFIDENCE = 0.95
_HALVINGS = 50


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
    """one - other on the same cases, with its score interval (Tango 1998).

    Its ends are the differences at which the score statistic is as far from 0 as 95 % confidence allows,
    and so apart where no case differs, too.
    """
    n = len(one)
    if n == 0:
        return 0.0, -1.0, 1.0
    gained, lost = int((one & ~other).sum()), int((other & ~one).sum())
    value = (gained - lost) / n
    return value, -_score_end(lost, gained, n), _score_end(gained, lost, n)


def _score_end(gained: int, lost: int, n: int) -> float:
    """The upper end, found by halving: beyond it the score statistic lies further out than z."""
    low, high = (gained - lost) / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if (gained - lost - n * middle) ** 2 < _z(1) ** 2 * _score_variance(middle, gained, lost, n):
            low = middle
        else:
            high = middle
    return high


def _score_variance(difference: float, gained: int, lost: int, n: int) -> float:
    """Of gained - lost where the shares differ by `difference`: Tango 1998, equations 6 and 7."""
    linear = (2 * n - gained + lost) * difference - gained - lost
    root = sqrt(linear**2 + 8 * n * lost * difference * (1 - difference))
    lost_share = (root - linear) / (4 * n)
    return n * (2 * lost_share + difference * (1 - difference))


def _z(comparisons: int) -> float:
    return NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / (2 * max(comparisons, 1)))

"""How far one model's answers have moved from another's on the same cases."""

from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]


def jensen_shannon(one: FloatArray, other: FloatArray) -> float:
    """Divergence of two distributions (labels,), in bits: 0 the same, 1 nothing in common (Lin 1991)."""
    middle = (one + other) / 2
    return float((_relative_entropy(one, middle) + _relative_entropy(other, middle)) / 2)


def _relative_entropy(one: FloatArray, other: FloatArray) -> float:
    held = one > 0
    return float((one[held] * np.log2(one[held] / other[held])).sum())

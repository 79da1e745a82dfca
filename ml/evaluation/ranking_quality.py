"""How often the right disease is named early: top-k and mean reciprocal rank."""

from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]
IntArray = np.ndarray[Any, np.dtype[np.integer[Any]]]


def true_ranks(scores: FloatArray, truth: IntArray) -> IntArray:
    """The rank (from 1) of each row's true column; ties count against it."""
    own = scores[np.arange(len(scores)), truth][:, None]
    ranks: IntArray = (scores >= own).sum(axis=1)
    return ranks


def top_k(ranks: IntArray, k: int) -> float:
    """Share of rows whose truth is among the first k."""
    return float((ranks <= k).mean()) if len(ranks) else 0.0


def mean_reciprocal_rank(ranks: IntArray) -> float:
    """Mean of 1 / rank."""
    return float((1.0 / ranks).mean()) if len(ranks) else 0.0

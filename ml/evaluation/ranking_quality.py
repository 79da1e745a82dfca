"""How often the right disease is named early: ranks and top-k."""

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

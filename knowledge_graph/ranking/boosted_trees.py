"""Gradient-boosted decision trees as arrays: learned elsewhere, run by numpy.

Each leaf of a tree is a bit. The first splits of many trees are asked at once, then the second ones, and so
on; each takes away the leaves of the side not taken, until one is left (after QuickScorer, Lucchese et al.
2015): a quarter of the time of a matrix product a tree.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.sealed_arrays import Arrays

AT_ONCE = 80  # trees: what is worked out of them stays in the processor's cache
_WIDTHS = ((16, np.uint16), (32, np.uint32), (64, np.uint64))
Bits = npt.NDArray[Any]


@dataclass(frozen=True)
class BoostedTrees:
    """Trees over features of these `names`.

    `feature` and `threshold` (n_trees, n_splits), `path` (n_trees, n_leaves, n_splits), `value` (n_trees,
    n_leaves). `path` is 1 where a leaf lies on the side of `feature <= threshold`, -1 on the other, 0 off
    its way. What fills a tree of fewer leaves comes behind its own. `about` says where they come from.
    """

    names: tuple[str, ...]
    feature: npt.NDArray[np.uint8]
    threshold: Floats
    path: Floats
    value: Floats
    about: str = ""

    def score(self, features: Floats) -> Floats:
        """The trees' sum: (n_items,) for features (n_features, n_items)."""
        total = np.zeros(features.shape[1], np.float32)
        for start in range(0, len(self.feature), AT_ONCE):
            total += self._score_of(slice(start, start + AT_ONCE), features)
        return total

    def _score_of(self, some: slice, features: Floats) -> Floats:
        feature, threshold, low, change = (rows[:, some] for rows in self._steps)
        value = np.empty((feature.shape[1], features.shape[1]), np.float32)
        left = np.full(value.shape, np.iinfo(low.dtype).max, low.dtype)
        for step in range(len(feature)):
            features.take(feature[step], axis=0, out=value, mode="clip")
            left &= ((value > threshold[step]) * change[step]) ^ low[step]
        left &= -left  # leaves that only fill a small tree are never taken away, and come behind
        leaf = (left.astype(np.float32).view(np.int32) >> 23) - 127  # a power of two's exponent: which bit
        leaf += (np.arange(len(leaf), dtype=np.int32) * self.value.shape[1])[:, None]
        total: Floats = self.value[some].ravel().take(leaf).sum(axis=0)
        return total

    @cached_property
    def _steps(self) -> tuple[npt.NDArray[np.intp], Floats, Bits, Bits]:
        """Split by split, for all trees: feature, threshold, leaves at or below, how those above differ.

        Raises ValueError for trees of more than 64 leaves.
        """
        leaves = self.path.shape[1]
        kind = next((kind for most, kind in _WIDTHS if leaves <= most), None)
        if kind is None:
            raise ValueError(f"trees of {leaves} leaves, where 64 are the most")
        bits = np.left_shift(kind(1), np.arange(leaves, dtype=kind))[None, :, None]
        low, high = ((bits * (self.path != side)).sum(axis=1, dtype=kind) for side in (-1, 1))
        rows = (np.ascontiguousarray(part.T) for part in (self.threshold, low, low ^ high))
        threshold, low, change = (part[..., None] for part in rows)
        return np.ascontiguousarray(self.feature.T).astype(np.intp), threshold, low, change

    def arrays(self) -> Arrays:
        """By name, as `of_arrays` takes them, with the names of the features."""
        words = json.dumps({"names": self.names, "about": self.about}).encode()
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "path": self.path.astype(np.int8),
            "value": self.value,
            "words": np.frombuffer(words, np.uint8),
        }

    @classmethod
    def of_arrays(cls, arrays: Arrays, *, names: Sequence[str], file: str, rebuild: str) -> "BoostedTrees":
        """Trees over features of these names. Those of an older file are our fault: ValueError."""
        words = json.loads(arrays["words"].tobytes())
        if tuple(words["names"]) != tuple(names):
            raise ValueError(f"{file} was learned on other features; rebuild it by {rebuild}")
        return cls(
            tuple(names),
            arrays["feature"],
            arrays["threshold"],
            arrays["path"].astype(np.float32),
            arrays["value"],
            words["about"],
        )

"""Gradient-boosted decision trees as arrays: learned elsewhere, run by numpy.

All splits of all trees are asked at once; a leaf is reached where each split on its way went as it must,
which is one small matrix product a tree.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.sealed_arrays import sealed, shipped_arrays


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """Trees over features of these `names`.

    `feature` and `threshold` (n_trees, n_splits), `path` (n_trees, n_leaves, n_splits), `value` (n_trees,
    n_leaves). `path` is 1 where a leaf lies on the side of `feature <= threshold`, -1 on the other, 0 off
    its way. `about` says where they come from.
    """

    names: tuple[str, ...]
    feature: npt.NDArray[np.uint8]
    threshold: Floats
    path: Floats
    value: Floats
    about: str = ""

    def score(self, features: Floats) -> Floats:
        """The trees' sum: (n_items,) for features (n_features, n_items)."""
        went = np.where(features[self.feature] <= self.threshold[..., None], np.float32(1), np.float32(-1))
        steps = np.abs(self.path).sum(axis=2)[..., None]
        reached = (self.path @ went == steps).astype(np.float32)
        total: Floats = (self.value[:, None, :] @ reached).sum(axis=(0, 1))
        return total

    def to_file(self) -> bytes:
        """Behind a SHA-256, with the names of the features."""
        words = json.dumps({"names": self.names, "about": self.about}).encode()
        return sealed(
            {
                "feature": self.feature,
                "threshold": self.threshold,
                "path": self.path.astype(np.int8),
                "value": self.value,
                "words": np.frombuffer(words, np.uint8),
            }
        )

    @classmethod
    def of_file(cls, data: bytes, *, names: Sequence[str], file: str, rebuild: str) -> "BoostedTrees":
        """Trees over features of these names. An altered or older file is our fault: ValueError."""
        arrays = shipped_arrays(data, file=file, rebuild=rebuild)
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

"""Looks that have not seen a disease: for what is learned or measured after them on the same cases.

Looks that know a disease from other patients find it again where little of it is met. Probabilities fitted on
such patients come true for them alone.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from knowledge_graph.graph.sealed_arrays import Arrays, sealed, shipped_arrays
from knowledge_graph.ranking.reranking import REBUILD, LearnedLooks

FILE = "unseen_looks.bin"
_DISEASES = "diseases"


@dataclass(frozen=True, slots=True)
class UnseenLooks:
    """`folds`: the looks learned without each fold of the cases; `fold_of`: which one holds a disease."""

    folds: tuple[LearnedLooks, ...]
    fold_of: Mapping[str, int]

    def of(self, disease_id: str) -> LearnedLooks:
        """Looks that have seen no case of the disease or its kin; the shipped ones where there was none."""
        fold = self.fold_of.get(disease_id)
        return LearnedLooks.load() if fold is None else self.folds[fold]

    @classmethod
    @cache
    def load(cls) -> "UnseenLooks":
        """What lies beside the shipped looks. An altered file is our fault: ValueError."""
        return cls.of_file(files("resources.ranking").joinpath(FILE).read_bytes())

    @classmethod
    def of_file(cls, data: bytes) -> "UnseenLooks":
        """From a file, its hash and the names of the features checked: ValueError."""
        arrays = shipped_arrays(data, file=FILE, rebuild=REBUILD)
        fold_of = json.loads(arrays.pop(_DISEASES).tobytes())
        of_fold: dict[str, Arrays] = {}
        for key, array in arrays.items():
            fold, name = key.split(".")
            of_fold.setdefault(fold, {})[name] = array
        return cls(tuple(LearnedLooks.of_arrays(of_fold[str(n)]) for n in range(len(of_fold))), fold_of)

    def to_file(self) -> bytes:
        """All of it behind a SHA-256."""
        words = np.frombuffer(json.dumps(dict(self.fold_of)).encode(), np.uint8)
        looks = enumerate(look.arrays() for look in self.folds)
        return sealed(
            {_DISEASES: words} | {f"{n}.{name}": array for n, own in looks for name, array in own.items()}
        )

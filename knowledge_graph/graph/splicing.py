"""Puts new rows among those of arrays grouped by owner (CSR), without rebuilding what is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Ints, Rows

Column = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Splice:
    """How old and new entries lie together: `old` marks where the old ones go, the new ones fill the rest."""

    indptr: Ints
    keep: npt.NDArray[np.bool_] | None
    old: npt.NDArray[np.bool_]

    def join(self, before: Column, added: Column) -> Column:
        """One column, old entries and new ones, of the old one's kind."""
        joined = np.empty(len(self.old), before.dtype)
        joined[self.old] = before if self.keep is None else before[self.keep]
        joined[~self.old] = added
        return joined


def splice(indptr: Ints, owner: Ints, *, count: int, dropped: Ints | None = None) -> Splice:
    """Where new entries of these owners (ascending) go: behind each owner's old ones.

    `count` is how many owners there are then; entries of `dropped` owners are left out.
    """
    lengths = np.zeros(count, np.int64)
    lengths[: len(indptr) - 1] = np.diff(indptr)
    keep = None
    if dropped is not None and len(dropped):
        keep = np.ones(int(indptr[-1]), bool)
        for start, end in zip(indptr[dropped].tolist(), indptr[dropped + 1].tolist(), strict=True):
            keep[start:end] = False
        lengths[dropped] = 0
    more = np.bincount(owner, minlength=count)
    ends = np.cumsum(lengths + more)
    joined = np.concatenate([[0], ends]).astype(np.int32)
    old = np.ones(int(ends[-1]) if count else 0, bool)
    begun = np.cumsum(more) - more
    inside = np.arange(len(owner)) - np.repeat(begun, more)
    old[joined[:-1][owner] + lengths[owner] + inside] = False
    return Splice(joined, keep, old)


def spliced_rows(rows: Rows, added: Mapping[int, list[int]], *, count: int) -> Rows:
    """Ragged rows with values added at the end of some of them, `count` rows in all."""
    owners = sorted(owner for owner, values in added.items() for _ in values)
    values = np.array([v for owner in sorted(added) for v in added[owner]], np.int32)
    how = splice(rows.indptr, np.array(owners, np.int32), count=count)
    return Rows(how.indptr, how.join(rows.values, values))


def joined_rows(rows: Rows, more: Rows) -> Rows:
    """One ragged array after another."""
    indptr = np.concatenate([rows.indptr, more.indptr[1:] + rows.indptr[-1]]).astype(np.int32)
    return Rows(indptr, np.concatenate([rows.values, more.values]))

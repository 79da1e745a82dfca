"""The largest of a number among each row of a ragged array, for many numbers at once.

Most rows are short: the first entries of all rows are compared with the second ones, then with the third
ones, as whole arrays. The few long rows are reduced one by one.
"""

from dataclasses import dataclass

import numpy as np

from knowledge_graph.graph.arrays import Floats, Places, Rows

SHORT = 12


@dataclass(frozen=True, slots=True)
class RowMaxima:
    """Rows with entries are numbered anew: longest of the short first, then the long ones.

    `place`: that number of each row, the last for those without entries. `steps[k]`: the k-th entries of the
    short rows that have so many. `long_values` and `long_starts`: the entries of the long rows one after
    another, and where each row starts.
    """

    place: Places
    steps: tuple[Places, ...]
    long_values: Places
    long_starts: Places

    @classmethod
    def of(cls, ragged: Rows) -> "RowMaxima":
        """For these rows, whatever the numbers will be."""
        lengths = np.diff(ragged.indptr)
        order = np.argsort(-lengths, kind="stable")
        order = order[lengths[order] > 0]
        is_long = lengths[order] > SHORT
        long, short = order[is_long], order[~is_long]
        most = int(lengths[short].max(initial=0))
        firsts = [ragged.indptr[short[lengths[short] > k]] + k for k in range(most)]
        count = lengths[long]
        starts = np.cumsum(count) - count
        inside = np.repeat(ragged.indptr[long] - starts, count) + np.arange(int(count.sum()))
        place = np.full(len(lengths), len(order), np.intp)
        place[np.concatenate([short, long])] = np.arange(len(order))
        return cls(
            place,
            tuple(ragged.values[first].astype(np.intp) for first in firsts),
            ragged.values[inside].astype(np.intp),
            starts.astype(np.intp),
        )

    def of_table(self, table: Floats) -> Floats:
        """The largest entry of a table (n_numbers, n_columns) for each row: (n_rows, n_columns).

        -inf where a row has no entries.
        """
        count = len(self.steps[0]) if self.steps else 0
        best = np.empty((count + len(self.long_starts) + 1, table.shape[1]), table.dtype)
        best[-1] = -np.inf
        for k, step in enumerate(self.steps):
            found, so_far = table.take(step, axis=0), best[: len(step)]
            np.maximum(so_far, found, out=so_far) if k else np.copyto(so_far, found)
        if len(self.long_starts):
            best[count:-1] = np.maximum.reduceat(table.take(self.long_values, axis=0), self.long_starts)
        return best.take(self.place, axis=0)  # gathering is five times as fast as putting in place

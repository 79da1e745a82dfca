"""The shapes that knowledge takes as arrays: ragged rows, and the rows of phenotype.hpoa.

`indptr` has one more entry than there are rows, as in CSR matrices.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Places = npt.NDArray[np.intp]  # numbers to index by: numpy copies narrower ones at each use
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Rows:
    """A ragged array of numbers: row i is `values[indptr[i]:indptr[i + 1]]`."""

    indptr: Ints
    values: Ints

    def __getitem__(self, row: int) -> Ints:
        return self.values[self.indptr[row] : self.indptr[row + 1]]

    def __len__(self) -> int:
        return len(self.indptr) - 1


@dataclass(frozen=True, slots=True)
class Associations:
    """The rows of phenotype.hpoa about phenotypic abnormalities, grouped by disease.

    `indptr` (n_diseases + 1); the others are one entry a row. `numerator` is -1 and `fraction`
    NaN where the source does not say; `onset` is a term number or -1; `sex` 0 any, 1 female,
    2 male; `reference` and `evidence` number the `texts` of the graph.
    """

    indptr: Ints
    term: Ints
    excluded: npt.NDArray[np.bool_]
    numerator: Ints
    denominator: Ints
    fraction: Floats
    onset: Ints
    sex: npt.NDArray[np.int8]
    reference: Ints
    evidence: Ints
    frequency: Ints

    def rows_of(self, disease: int) -> slice:
        """Where a disease's rows lie."""
        return slice(int(self.indptr[disease]), int(self.indptr[disease + 1]))

    def only(self, keep: npt.NDArray[np.bool_]) -> "Associations":
        """The rows (n_rows,) to keep."""
        kept = np.concatenate([[0], np.cumsum(keep)])[self.indptr].astype(np.int32)
        names = (field.name for field in fields(self) if field.name != "indptr")
        return replace(self, indptr=kept, **{name: getattr(self, name)[keep] for name in names})


def places_of(indptr: Ints, rows: npt.NDArray[np.integer]) -> tuple[Places, Places]:
    """Where the entries of these rows lie, one row after another, and how many each row has."""
    begin = indptr[rows]
    lengths = indptr[rows + 1] - begin
    ends = np.cumsum(lengths)
    places: Places = np.repeat(begin - (ends - lengths), lengths) + np.arange(ends[-1] if len(ends) else 0)
    return places, lengths


def rows_from(lists: list[list[int]]) -> Rows:
    """A ragged array from lists."""
    lengths = np.fromiter((len(row) for row in lists), np.int32, len(lists))
    indptr = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths, dtype=np.int32)])
    values = np.fromiter((value for row in lists for value in row), np.int32, int(indptr[-1]))
    return Rows(indptr, values)


def transposed(rows: Rows, width: int) -> Rows:
    """Row j of the result lists the rows i of the input that hold j, ascending."""
    owner = np.repeat(np.arange(len(rows), dtype=np.int32), np.diff(rows.indptr))
    narrow = rows.values.astype(np.uint16) if width <= 2**16 else rows.values  # which numpy sorts by radix
    order = np.argsort(narrow, kind="stable")
    counts = np.bincount(rows.values, minlength=width)
    indptr = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    return Rows(indptr, owner[order])


def highest(values: npt.NDArray[np.floating], count: int) -> Places:
    """Places of the highest values, best first; equal ones in order. Only those are sorted."""
    found = np.arange(len(values))
    if count < len(values):
        above = np.flatnonzero(values >= np.partition(values, -count)[-count])
        found = above if len(above) >= count else found  # fewer where some are no number
    order: Places = found[np.argsort(-values[found], kind="stable")][:count]
    return order

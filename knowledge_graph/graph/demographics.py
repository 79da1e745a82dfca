"""What the associations say of the age and sex of those who have a disease."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Associations, Floats, Rows, transposed
from knowledge_graph.terms.onset import EARLIEST_DAYS
from knowledge_graph.terms.term import TermId


@dataclass(frozen=True, slots=True)
class Demographics:
    """`earliest_onset_days` (n_diseases,), 0 where unknown; `only_sex` 0 both, 1 female, 2 male.

    `youngest_days` and `oldest_days` are the usual ages as packs state them, 0 and infinite where none does.
    """

    earliest_onset_days: Floats
    only_sex: npt.NDArray[np.int8]
    youngest_days: Floats
    oldest_days: Floats


def build_demographics(
    onsets: Rows, associations: Associations, *, term_index: dict[TermId, int], ancestors: Rows
) -> Demographics:
    """Earliest recorded onset, and the sex where every row of a disease is tied to one."""
    bounds = onset_bounds(term_index, ancestors)
    earliest = np.zeros(len(onsets), np.float32)
    for disease in np.flatnonzero(np.diff(onsets.indptr)).tolist():
        earliest[disease] = bounds[onsets[disease]].min()
    return Demographics(
        earliest, _only_sex(associations), np.zeros_like(earliest), np.full_like(earliest, np.inf)
    )


def onset_bounds(term_index: dict[TermId, int], ancestors: Rows) -> Floats:
    """The earliest age in days that each term allows as an onset (n_terms,), 0 where it is none."""
    bounds = np.zeros(len(ancestors), np.float32)
    descendants = transposed(ancestors, len(ancestors))
    for term, days in EARLIEST_DAYS.items():
        if term in term_index:
            below = descendants[term_index[term]]
            bounds[below] = np.maximum(bounds[below], days)
    return bounds


def _only_sex(rows: Associations) -> npt.NDArray[np.int8]:
    count = len(rows.indptr) - 1
    owner = np.repeat(np.arange(count), np.diff(rows.indptr))
    total = np.bincount(owner, minlength=count)
    only = np.zeros(count, np.int8)
    for sex in (1, 2):
        only[(total > 0) & (np.bincount(owner, rows.sex == sex, count) == total)] = sex
    return only

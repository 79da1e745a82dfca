"""What the associations say of the age and sex of those who have a disease.

Onset classes are HPO's (HP:0003674), each with its definition's lower bound.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from knowledge_graph.graph.arrays import Associations, Floats, Rows, transposed
from knowledge_graph.terms.term import TermId

YEAR_DAYS = 365.25
EARLIEST_DAYS = {
    TermId("HP:0030674"): 0.0,  # antenatal
    TermId("HP:0003577"): 0.0,  # congenital
    TermId("HP:0003623"): 0.0,  # neonatal
    TermId("HP:0003593"): 28.0,  # infantile
    TermId("HP:0011463"): YEAR_DAYS,  # childhood
    TermId("HP:0003621"): 5 * YEAR_DAYS,  # juvenile
    TermId("HP:0003581"): 16 * YEAR_DAYS,  # adult
    TermId("HP:0011462"): 16 * YEAR_DAYS,  # young adult
    TermId("HP:0003596"): 40 * YEAR_DAYS,  # middle age
    TermId("HP:0003584"): 60 * YEAR_DAYS,  # late
}


@dataclass(frozen=True, slots=True)
class Demographics:
    """`earliest_onset_days` (n_diseases,), 0 where unknown; `only_sex` 0 both, 1 female, 2 male."""

    earliest_onset_days: Floats
    only_sex: npt.NDArray[np.int8]


def build_demographics(
    onsets: Rows, associations: Associations, *, term_index: dict[TermId, int], ancestors: Rows
) -> Demographics:
    """Earliest recorded onset, and the sex where every row of a disease is tied to one."""
    bounds = np.zeros(len(ancestors), np.float32)
    descendants = transposed(ancestors, len(ancestors))
    for term, days in EARLIEST_DAYS.items():
        if term in term_index:
            below = descendants[term_index[term]]
            bounds[below] = np.maximum(bounds[below], days)
    earliest = np.zeros(len(onsets), np.float32)
    for disease in np.flatnonzero(np.diff(onsets.indptr)).tolist():
        earliest[disease] = bounds[onsets[disease]].min()
    return Demographics(earliest, _only_sex(associations))


def _only_sex(rows: Associations) -> npt.NDArray[np.int8]:
    count = len(rows.indptr) - 1
    owner = np.repeat(np.arange(count), np.diff(rows.indptr))
    total = np.bincount(owner, minlength=count)
    only = np.zeros(count, np.int8)
    for sex in (1, 2):
        only[(total > 0) & (np.bincount(owner, rows.sex == sex, count) == total)] = sex
    return only

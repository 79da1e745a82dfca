"""What diseases are said not to show: rows that say NOT, 0 of m or 0 %.

Of m patients none showed it. With a Beta prior that weighs as much as one patient, and whose mean is the
background, the likelihood ratio of one who does is 1 / (m + 1); no smaller than SELDOM, which a row without
a count has.
"""

from dataclasses import dataclass, field

import numpy as np

from knowledge_graph.graph.arrays import Associations, Floats, Places
from knowledge_graph.graph.profile import Profiles

SELDOM = 0.02
_NONE = slice(0, 0)


@dataclass(frozen=True, slots=True)
class Denied:
    """`disease` and log `ratio` (n,), terms and diseases ascending; `spans` says where each term's lie.

    What the profiles in `but` show is not denied; it is looked up for a term when it is asked for.
    """

    disease: Places
    ratio: Floats
    spans: dict[int, slice]
    but: Profiles | None
    _asked: dict[int, tuple[Places, Floats]] = field(default_factory=dict, repr=False)

    def of_term(self, term: int) -> tuple[Places, Floats]:
        """Diseases said not to show a term, and the log ratio of an observed one."""
        if term not in self._asked:
            span = self.spans.get(term, slice(0, 0))
            disease, ratio = self.disease[span], self.ratio[span]
            if self.but is not None:
                shown = set(self.but.of_term(term)[0].tolist())
                told = [place for place, number in enumerate(disease.tolist()) if number not in shown]
                disease, ratio = disease[told], ratio[told]
            self._asked[term] = disease, ratio
        return self._asked[term]


def denied_rows(associations: Associations, rows: Places, *, but: Profiles | None = None) -> Denied:
    """From the rows with these numbers; those of one disease and term count together."""
    owner = np.searchsorted(associations.indptr, rows, side="right") - 1
    pairs, place = np.unique((associations.term[rows].astype(np.int64) << 32) | owner, return_inverse=True)
    counted = associations.numerator[rows] >= 0
    patients = np.bincount(
        place, np.where(counted, associations.denominator[rows], 1 / SELDOM), minlength=len(pairs)
    )
    terms, first, count = np.unique(pairs >> 32, return_index=True, return_counts=True)
    spans = zip(terms.tolist(), first.tolist(), count.tolist(), strict=True)
    ratio = np.log(np.maximum(SELDOM, 1 / (patients + 1))).astype(np.float32)
    disease = (pairs & 0xFFFFFFFF).astype(np.intp)
    return Denied(disease, ratio, {term: slice(at, at + n) for term, at, n in spans}, but)

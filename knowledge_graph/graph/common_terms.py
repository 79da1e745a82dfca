"""Terms that many diseases show, as whole rows: from some share on that is faster than their entries."""

from dataclasses import dataclass, field

import numpy as np

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.graph.profile import Profiles

COMMON_SHARE = 0.12  # of all diseases; some 150 terms of 7,800


@dataclass(frozen=True, slots=True)
class CommonTerms:
    """The rows of `profiles`, for `width` diseases; each is laid out when first asked for."""

    profiles: Profiles
    width: int
    _laid: dict[int, Floats] = field(default_factory=dict, repr=False)

    def row(self, term: int) -> Floats | None:
        """P(term | disease) for every disease; None of a term that fewer than COMMON_SHARE show."""
        if term not in self._laid:
            diseases, probability = self.profiles.of_term(term)
            if len(diseases) <= COMMON_SHARE * self.width:
                return None
            row = np.zeros(self.width, np.float32)
            row[diseases] = probability
            self._laid[term] = row
        return self._laid[term]

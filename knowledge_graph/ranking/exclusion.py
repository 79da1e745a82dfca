"""What an excluded finding says of a disease: it speaks against it the more surely the disease shows it.

Publications list as excluded what others in their cohort have, so that a finding which a disease shows now
and then is excluded in its own patients oftener than in others'; one that it nearly always shows is not. The
ratio is ((1 - P^k) / (1 - background^k))^w, P and the background the chances that the disease, or any, shows
the finding: as if k patients had been asked, and not all of them had it. Both numbers are learned.
"""

from dataclasses import dataclass

import numpy as np

from knowledge_graph.graph.arrays import Floats

LARGEST_PROBABILITY = 0.98


@dataclass(frozen=True, slots=True)
class Exclusion:
    """`weight` is w above, 0 or more; `sharpness` is k, 1 or more."""

    weight: float
    sharpness: float

    def log_of(self, probability: Floats) -> Floats:
        """w log(1 - P^k), as P: (n,)."""
        held = np.minimum(np.asarray(probability, np.float32), np.float32(LARGEST_PROBABILITY))
        found: Floats = np.float32(self.weight) * np.log1p(-(held ** np.float32(self.sharpness)))
        return found


PLAIN = Exclusion(1.0, 1.0)

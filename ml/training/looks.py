"""Steps of a run that look at something of the patients instead of descending.

A look draws patients as every step does, and releases the sum of what they show: for each a row of numbers,
clipped to the length of a gradient, under the same noise, so that the ledger need not tell it from a step.
None is lengthened, also where gradients are (`automatic`): what is shown has a meaning by its length.
"""

import numpy as np
import numpy.typing as npt

from ml.privacy.csprng import SecureRandom
from ml.training.dp_head import StepSettings, clip_factors

Doubles = npt.NDArray[np.float64]


class Looks:
    """Adds up noised looks at `size` numbers until `wanted` were taken; `name` tells their states apart."""

    def __init__(self, name: str, size: int, wanted: int):
        self._name, self._sum, self._looks, self._variance = name, np.zeros(size), 0, 0.0
        self.wanted = wanted

    def complete(self) -> bool:
        """Whether every look was taken."""
        return self._looks >= self.wanted

    def look(self, shown: Doubles, *, settings: StepSettings, random: SecureRandom) -> None:
        """One counted step on (patients, size), taken also where nobody was drawn; see `private_step`."""
        self.add(clipped_total(shown, settings), settings=settings, random=random)

    def add(self, total: Doubles, *, settings: StepSettings, random: SecureRandom) -> None:
        """The same, from a sum of clipped patients (size,)."""
        noise = settings.spread * random.gaussians(len(self._sum))
        self._sum += (total + noise) / settings.expected_batch
        self._variance += (settings.spread / settings.expected_batch) ** 2
        self._looks += 1

    def mean(self) -> Doubles:
        """Of the looks, each a sum over the patients divided by the public size."""
        return self._sum / max(self._looks, 1)

    def deviation(self) -> float:
        """Of the noise in each number of `mean`."""
        return float(np.sqrt(self._variance)) / max(self._looks, 1)

    def state(self) -> dict[str, Doubles]:
        """Released numbers to go on from, and how many looks they are of; nothing where none is wanted."""
        if not self.wanted:
            return {}
        counts = np.array([self._looks, self._variance])
        return {f"{self._name}.sum": self._sum, f"{self._name}.looks": counts}

    def restore(self, kept: dict[str, Doubles]) -> None:
        """Go on from a state; one from before there were such looks has had all of its own."""
        self._looks, name = self.wanted, self._name
        if f"{name}.looks" in kept:
            self._sum, self._variance = kept[f"{name}.sum"].copy(), float(kept[f"{name}.looks"][1])
            self._looks = int(kept[f"{name}.looks"][0])


def clipped_total(shown: Doubles, settings: StepSettings) -> Doubles:
    """Sum of the patients' rows, none longer than a gradient may be; what is not finite counts as zero."""
    factors = clip_factors(np.linalg.norm(shown, axis=1), settings.max_grad_norm, "flat")
    well = factors > 0
    total: Doubles = factors[well] @ shown[well]
    return total

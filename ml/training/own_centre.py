"""Where a site's own notes lie, measured by the first steps of a run at what a step costs.

The public notes' centre is not that of a site whose clinicians write otherwise: a way off that all its
notes share would fill every gradient and spend the clip on nothing. So the first LOOKS of the steps draw
patients as every step does, and release the sum of their mean features instead of their gradients: each
clipped to the same length, under the same noise, so that the ledger need not tell them apart. What comes of
it is computed from released numbers alone, and shrunk towards the public centre by how noisy it is (James,
Stein 1961).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.privacy.csprng import SecureRandom
from ml.training.dp_head import PatientFeatures, StepSettings, clip_factors

LOOKS = 0.04  # of a run's steps

Doubles = npt.NDArray[np.float64]


class OwnCentre:
    """Adds up noised looks until `wanted` were taken; in the coordinates of the features it is given."""

    def __init__(self, hidden: int, wanted: int):
        self._sum, self._looks, self._variance = np.zeros(hidden), 0, 0.0
        self.wanted = wanted

    def complete(self) -> bool:
        """Whether every look was taken."""
        return self._looks >= self.wanted

    def look(
        self, patients: Sequence[PatientFeatures], *, settings: StepSettings, random: SecureRandom
    ) -> None:
        """One counted step, taken also where nobody was drawn: clip, add noise, divide by the public size."""
        hidden, spread = len(self._sum), settings.spread
        noisy = clipped_means(patients, hidden, settings) + spread * random.gaussians(hidden)
        self._sum += noisy / settings.expected_batch
        self._variance += (spread / settings.expected_batch) ** 2
        self._looks += 1

    def shift(self) -> npt.NDArray[np.float32]:
        """From the public centre to the site's own, as far as the noise lets it be seen."""
        mean = self._sum / max(self._looks, 1)
        noise = len(mean) * self._variance / max(self._looks, 1) ** 2
        kept = max(0.0, 1 - noise / max(float(mean @ mean), 1e-300))
        shrunk: npt.NDArray[np.float32] = (kept * mean).astype(np.float32)
        return shrunk

    def state(self) -> dict[str, Doubles]:
        """Released numbers to go on from, and how many looks they are of; nothing where none is wanted."""
        if not self.wanted:
            return {}
        return {"looked": self._sum, "looks": np.array([self._looks, self._variance])}

    def restore(self, kept: dict[str, Doubles]) -> None:
        """Go on from a state; one from before there were looks has had all of its own."""
        self._looks = self.wanted
        if "looks" in kept:
            self._sum, self._variance = kept["looked"].copy(), float(kept["looks"][1])
            self._looks = int(kept["looks"][0])


def clipped_means(patients: Sequence[PatientFeatures], hidden: int, settings: StepSettings) -> Doubles:
    """Sum of the means of the patients' notes, (hidden,), each clipped as her gradient would be."""
    total = np.zeros(hidden)
    for patient in patients:
        if len(patient.features):
            mean = patient.features.astype(np.float64).mean(axis=0)
            (factor,) = clip_factors(
                np.array([np.linalg.norm(mean)]), settings.max_grad_norm, settings.clipping
            )
            if factor > 0:
                total += factor * mean
    return total

"""Where a site's own notes lie, measured by looks at the first steps of a run.

The public notes' centre is not that of a site whose clinicians write otherwise: a way off that all its
notes share would fill every gradient and spend the clip on nothing. So the first CENTRE_LOOKS of the steps
release the patients' mean features. What comes of it is computed from released numbers alone, and shrunk
towards the public centre by how noisy it is (James, Stein 1961).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml.training.dp_head import PatientFeatures
from ml.training.looks import Doubles, Looks

CENTRE_LOOKS = 0.04  # of a run's steps


def mean_features(patients: Sequence[PatientFeatures], hidden: int) -> Doubles:
    """Of each patient's notes, (patients, hidden); zero for who has none."""
    shown = np.zeros((len(patients), hidden))
    for row, patient in zip(shown, patients, strict=True):
        if len(patient.features):
            row[:] = patient.features.astype(np.float64).mean(axis=0)
    return shown


def own_centre(looks: Looks) -> npt.NDArray[np.float32]:
    """From the public centre to the site's own, as far as the noise lets it be seen."""
    mean = looks.mean()
    noise = len(mean) * looks.deviation() ** 2
    kept = max(0.0, 1 - noise / max(float(mean @ mean), 1e-300))
    shrunk: npt.NDArray[np.float32] = (kept * mean).astype(np.float32)
    return shrunk

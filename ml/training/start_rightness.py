"""How often the start is right at a site: looks that choose the way in which a run learns.

A head whose first disease is right for most patients is descended from (`dp_head`). One that is mostly wrong
keeps little worth descending from, and what noise leaves of a gradient goes into taking it back; there the
rows are made anew from directions (`directions`). Released numbers and public constants alone choose.

A patient shows on which side of SELDOM she is, and how far. So a site with fewer patients than it expects
sees the same side, if less clearly; of plain shares it would see too few.
"""

from collections.abc import Sequence

import numpy as np

from ml.training.dp_head import HeadState, PatientFeatures, declared_logits
from ml.training.looks import Doubles, Looks

RIGHTNESS_LOOKS = 0.03  # of a run's steps
SELDOM = 0.5
FAINT = 0.05  # deviation of the noise in a share, above which nothing is seen


def rightness_looks(steps: int) -> int:
    """How many of a run's steps look at it."""
    return round(RIGHTNESS_LOOKS * steps)


def rightness(state: HeadState, patients: Sequence[PatientFeatures], most: float) -> Doubles:
    """How far the share of her notes that the declared rows name rightly is above SELDOM; (patients, 1).

    As long as `most` where all are, minus that where none is; zero for who has no note, one that is not
    finite, or a disease that was not declared.
    """
    shown = np.zeros((len(patients), 1))
    for row, patient in zip(shown, patients, strict=True):
        own = np.flatnonzero(state.rows == patient.label)
        if len(patient.features) and len(own):
            logits = declared_logits(state, patient.features)
            right = float((logits.argmax(axis=1) == own[0]).mean())
            row[0] = most * (right - SELDOM) / (1 - SELDOM) if np.isfinite(logits).all() else 0.0
    return shown


def seldom_right(looks: Looks, most: float) -> bool:
    """Whether it is, as far as noise lets that be seen; never without noise, or looks."""
    above, noise = float(looks.mean()[0]), looks.deviation() / most * (1 - SELDOM)
    return 0 < noise < FAINT and above < 0

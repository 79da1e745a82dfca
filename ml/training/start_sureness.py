"""How sure of itself the start may be at a site, measured by looks before a run descends.

A head that was fitted on other texts than the site's is surer of its first disease than it is right. What
is learned then goes into taking that back, and the noise allows only so much. So looks after those for the
centre release, for each of SHARES, how much less a patient's own disease would surprise the head if the
declared diseases' logits were brought so much nearer to their mean (temperature scaling: Guo et al. 2017,
arXiv 1706.04599). The start is held back only where that stands CLEARLY out of the noise.
"""

from collections.abc import Sequence

import numpy as np

from ml.training.dp_head import HeadState, PatientFeatures, declared_logits, with_frozen
from ml.training.looks import Doubles, Looks

SURENESS_LOOKS = 0.04  # of a run's steps
SHARES = (0.5, 0.25, 0.1)
CLEARLY = 3.5  # deviations of the noise


def relief(state: HeadState, patients: Sequence[PatientFeatures]) -> Doubles:
    """Loss as the head stands less loss at each of SHARES, (patients, shares): means over her notes.

    Zero for who has none, or a disease that was not declared.
    """
    shown = np.zeros((len(patients), len(SHARES)))
    for row, patient in zip(shown, with_frozen(state, patients), strict=True):
        assert patient.frozen is not None
        own = np.flatnonzero(state.rows == patient.label)
        if len(patient.features) and len(own):
            logits = declared_logits(state, patient.features).astype(np.float64)
            mean = logits.mean(axis=1, keepdims=True)
            held = np.array([mean + share * (logits - mean) for share in (1.0, *SHARES)])
            whole = np.logaddexp(np.logaddexp.reduce(held, axis=2), patient.frozen)
            losses = (whole - held[:, :, own[0]]).mean(axis=1)
            row[:] = losses[0] - losses[1:]
    return shown


def kept_share(looks: Looks) -> float:
    """The share of SHARES that surprises least, or 1 where noise may have feigned it."""
    best = int(looks.mean().argmax())
    return SHARES[best] if looks.mean()[best] > CLEARLY * looks.deviation() else 1.0


def hold_back(state: HeadState, share: float) -> None:
    """Bring the declared rows, biases among them, so much nearer to their mean row."""
    rows = state.weights[state.rows]
    mean = rows.mean(axis=0)
    state.weights[state.rows] = mean + np.float32(share) * (rows - mean)

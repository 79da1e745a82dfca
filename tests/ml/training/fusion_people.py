"""Patients in miniature whose findings speak beside their texts, and the slow, obvious gain of each."""

from math import exp, log
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.training import fusion_looks
from ml.training.dp_head import HeadState, PatientFeatures
from ml.training.messages import Beside
from tests.ml.training.dp_checks import LABELS, ROWS

LEADERS = np.array([0, 1, 2, 3, 4, 2], np.int32)  # the last is shown as the third


def beside(seed: int = 0, *, spread: float = 3.0) -> Beside:
    """Three labels and a disease that the model lacks are told one by one."""
    rng = np.random.default_rng(seed)
    rows = np.array([4, 0, -1, 2], np.int32)
    shares = (spread * rng.normal(size=4)).astype(np.float32)
    return Beside(rows.tobytes(), shares.tobytes(), rest=-1.0, text_weight=0.4)


def slow_gains(state: HeadState, patient: PatientFeatures, other: Beside) -> list[float]:
    """Disease by disease, in plain Python."""
    text = _mean_log_probability(state, patient)
    told = dict(
        zip(
            np.frombuffer(other.rows, np.int32).tolist(),
            np.frombuffer(other.shares, np.float32).tolist(),
            strict=True,
        )
    )
    lacking = told.pop(-1)
    rest = other.rest - log(LABELS - len(told))
    losses = []
    own = sum(exp(text[row]) for row in ROWS)
    held = own * own / (own * own + 0.01)
    for a, k in [(1.0, 1.0), *((c.text**held, c.power**held) for c in fusion_looks.CANDIDATES)]:
        raised = [exp(k * (told.get(d, rest) + a * other.text_weight * text[d])) for d in range(LABELS)]
        raised.append(exp(k * (lacking - a * other.text_weight * log(LABELS))))
        shown: dict[Any, float] = {}
        for d, value in enumerate(raised):
            leader = int(LEADERS[d]) if d < LABELS else "beside"
            shown[leader] = shown.get(leader, 0.0) + value / sum(raised)
        truth = int(LEADERS[patient.label])
        losses.append(sum((p - (d == truth)) ** 2 for d, p in shown.items()))
    return [losses[0] - loss for loss in losses[1:]]


def _mean_log_probability(state: HeadState, patient: PatientFeatures) -> npt.NDArray[np.float64]:
    rows = []
    for features in patient.features.astype(np.float64):
        logits = state.weights[:, :-1] @ features + state.weights[:, -1]
        rows.append(logits - logits.max() - np.log(np.exp(logits - logits.max()).sum()))
    return np.asarray(np.mean(rows, axis=0), np.float64)

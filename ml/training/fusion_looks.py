"""What a patient's text may count beside the graph at a site, and how sure both are, by a run's last looks.

The weights that ship were learned where the text model knows every disease a little. One that has learned a
site's own diseases may count for more, or less, and only the site's patients can tell. So the last steps of a
run release, for each of CANDIDATES, how much lower a patient's loss would be than under the shipped weights:
Brier's (1950), over all diseases, of

    p(d) = exp(k (o(d) + a t(d))) / Z,

where t is the text's weighed log probability, o is what else speaks for a disease (`Beside`), and (a, k) is
the candidate. The shipped weights stand unless one is CLEARLY better than noise may have feigned.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ml.registry.training_result import LearnedFusion
from ml.training.dp_head import HeadState, PatientFeatures
from ml.training.looks import Doubles, Looks
from ml.training.messages import Beside

FUSION_LOOKS = 0.08  # of a run's steps
CANDIDATES = (
    LearnedFusion(power=0.7),
    LearnedFusion(power=1.4),
    LearnedFusion(text=2.0, power=0.7),
    LearnedFusion(text=2.0),
    LearnedFusion(text=2.0, power=1.4),
)
STRETCH = 1.5  # a patient's gains of length one are so many clips long; few are longer than 0.67
CLEARLY = 1.5  # deviations of the noise


def fused_gains(
    state: HeadState,
    patients: Sequence[PatientFeatures],
    beside: Sequence[Beside | None],
    leaders: npt.NDArray[np.int32],
) -> Doubles:
    """Loss under the shipped weights less that under each of CANDIDATES, (patients, candidates).

    `leaders` (labels,) joins the rows of one disease. Zero for whom text or graph does not speak.
    """
    shown = np.zeros((len(patients), len(CANDIDATES)))
    for row, patient, other in zip(shown, patients, beside, strict=True):
        if other is not None and len(patient.features):
            text = mean_log_probability(state, patient)
            whose = leaders[patient.label]
            losses = [brier(p, whose, leaders) for p in _fused(text, other)]
            row[:] = losses[0] - np.array(losses[1:])
    return shown


def mean_log_probability(state: HeadState, patient: PatientFeatures) -> Doubles:
    """Of every label, the mean over her notes."""
    weights = state.weights
    logits = (patient.features @ weights[:, :-1].T + weights[:, -1]).astype(np.float64)
    told = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    mean: Doubles = told.mean(axis=0)
    return mean


def _fused(text: Doubles, other: Beside) -> Iterator[Doubles]:
    """Probabilities of the labels, then of diseases beside them: as shipped, and under each candidate.

    Of a disease that the model lacks the text says what it would say knowing nothing.
    """
    shares = other.of_labels(len(text))
    told = np.full(len(shares), -np.log(len(text)))
    told[: len(text)] = text
    for weights in (LearnedFusion(), *CANDIDATES):
        pooled = weights.power * (shares + weights.text * other.text_weight * told)
        yield np.exp(pooled - np.logaddexp.reduce(pooled))


def brier(probability: Doubles, truth: int, leaders: npt.NDArray[np.int32]) -> float:
    """Sum over diseases of (p - truth)^2, ids of one disease joined; those beside the labels stand alone."""
    joined = np.bincount(leaders, weights=probability[: len(leaders)], minlength=len(leaders))
    beside = probability[len(leaders) :]
    return float(joined @ joined + beside @ beside - 2 * joined[truth] + 1)


def learned_fusion(looks: Looks) -> LearnedFusion | None:
    """The candidate that gains most, or None where noise may have feigned it."""
    best = int(looks.mean().argmax())
    return CANDIDATES[best] if looks.mean()[best] > CLEARLY * looks.deviation() else None

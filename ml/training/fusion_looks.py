"""What a patient's text may count beside the graph at a site, and how sure both are, by a run's last looks.

The weights that ship were learned where the text model knows every disease a little. One that has learned a
site's own diseases may count for more, and only the site's patients can tell. So the last steps of a run
release, for each of CANDIDATES, how much lower a patient's loss would be than under the shipped weights:
Brier's (1950), over all diseases, of

    p(d) = exp(k (o(d) + a t(d))) / Z,

where t is the text's weighed log probability, o is what else speaks for a disease (`Beside`), and (a, k) is
the candidate, held to how far the text speaks for a taught disease (`LearnedFusion.held_to`).

What is learned is a mean of the candidates and the shipped weights, in logarithms: each counts exp(gain / s),
s the noise in a gain, so that little noise chooses the best and much the middle; and much of it shrinks
the mean towards the shipped weights, which gain nothing. It rests on what was released alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ml.registry.training_result import LearnedFusion
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings
from ml.training.looks import Doubles, Looks
from ml.training.messages import Beside

FUSION_LOOKS = 0.08  # of a run's steps
CANDIDATES = (
    LearnedFusion(text=2.0, power=0.6),
    LearnedFusion(text=3.0, power=1.0),
    LearnedFusion(text=4.0, power=0.6),
    LearnedFusion(text=6.0, power=0.4),
    LearnedFusion(text=6.0, power=0.7),
)
LONGEST = 2 / 3  # a patient's gains are clipped to; one in ten is longer
LEAST_NOISE = 0.003  # nor do few patients tell of others more exactly
USUAL_GAIN = 0.2  # noise as large as this halves what is learned


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
            share = float(np.exp(text[state.rows]).sum())
            losses = [brier(p, whose, leaders) for p in _fused(text, other, share)]
            row[:] = losses[0] - np.array(losses[1:])
    return shown


def mean_log_probability(state: HeadState, patient: PatientFeatures) -> Doubles:
    """Of every label, the mean over her notes."""
    weights = state.weights
    logits = (patient.features @ weights[:, :-1].T + weights[:, -1]).astype(np.float64)
    told = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    mean: Doubles = told.mean(axis=0)
    return mean


def _fused(text: Doubles, other: Beside, share: float) -> Iterator[Doubles]:
    """Probabilities of the labels, then of diseases beside them: as shipped, and under each candidate.

    `share` is what the text gives the taught diseases together. Of a disease that the model lacks the text
    says what it would say knowing nothing.
    """
    shares = other.of_labels(len(text))
    told = np.full(len(shares), -np.log(len(text)))
    told[: len(text)] = text
    for weights in (LearnedFusion(), *(candidate.held_to(share) for candidate in CANDIDATES)):
        pooled = weights.power * (shares + weights.text * other.text_weight * told)
        yield np.exp(pooled - np.logaddexp.reduce(pooled))


def brier(probability: Doubles, truth: int, leaders: npt.NDArray[np.int32]) -> float:
    """Sum over diseases of (p - truth)^2, ids of one disease joined; those beside the labels stand alone."""
    joined = np.bincount(leaders, weights=probability[: len(leaders)], minlength=len(leaders))
    beside = probability[len(leaders) :]
    return float(joined @ joined + beside @ beside - 2 * joined[truth] + 1)


def look_settings(settings: StepSettings) -> StepSettings:
    """A step's, for gains: another clip, and so as much more or less noise; the multiplier stands."""
    return replace(settings, max_grad_norm=LONGEST)


def learned_fusion(looks: Looks, taught: tuple[str, ...]) -> LearnedFusion | None:
    """What the looks at gains tell, of the labels `taught`; None where there were none."""
    if not looks.mean().any():
        return None
    gains, noise = np.append(looks.mean(), 0.0), max(looks.deviation(), LEAST_NOISE)
    share = np.exp((gains - gains.max()) / noise)
    factors = np.log([(c.text, c.power) for c in (*CANDIDATES, LearnedFusion())])
    kept = USUAL_GAIN**2 / (USUAL_GAIN**2 + noise**2)
    text, power = np.exp(kept * (share @ factors) / share.sum()).round(3).tolist()
    return LearnedFusion(text, power, taught)

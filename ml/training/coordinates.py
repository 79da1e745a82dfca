"""What public notes of the declared diseases give a head before it learns: coordinates and a lift.

Coordinates: features less what all notes share, as long as is usual.

Features of any two notes nearly agree (cosine 0.95), so most of a clipped gradient would say what every note
says, and most of the noise would drown the rest. With a centre c and a length r from public notes,

    u = LENGTH (f - c) / r,    W f + b = V u + a,    V = W r / LENGTH,   a = b + W c,

the same logits from the same head; only what one step of descent does to it differs. A patient's
gradient is clipped in u, where the bias's one is short beside LENGTH and takes little of the norm.

Lift: a site's patients have one of the diseases that it declares, which is public; so their rows' biases rise
together until the declared diseases hold LIFTED of the probability in such notes. A head that gives them as
much already is left alone, so that a second run lifts nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, logsumexp

from ml.training.dp_head import StepSettings

LENGTH = 5.0
LIFTED = 0.5
HIGHEST_LIFT = 12.0

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Coordinates:
    """`centre` (hidden,) and the usual distance from it; `length` 1 with none of both changes nothing."""

    centre: Floats
    distance: float
    length: float

    @classmethod
    def of_public(cls, features: Floats) -> "Coordinates":
        """From features of public notes (notes, hidden); those that change nothing where no two differ."""
        centre = features.mean(axis=0) if len(features) else np.zeros(features.shape[1], np.float32)
        away = features - centre
        distance = float(np.sqrt((away * away).sum(axis=1).mean())) if len(features) else 0.0
        if distance < 1e-6:
            return cls(np.zeros(features.shape[1], np.float32), 1.0, 1.0)
        return cls(centre.astype(np.float32), distance, LENGTH)

    def features(self, features: Floats) -> Floats:
        """As they are trained on."""
        moved: Floats = (features - self.centre) * np.float32(self.length / self.distance)
        return moved

    def inward(self, weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """A head's rows in these coordinates."""
        wide = weight.astype(np.float64)
        moved = (bias + wide @ self.centre).astype(np.float32)
        return (wide * (self.distance / self.length)).astype(np.float32), moved

    def outward(self, weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """The inverse of `inward`."""
        wide = weight.astype(np.float64) * (self.length / self.distance)
        return wide.astype(np.float32), (bias - wide @ self.centre).astype(np.float32)

    def moved(self, shift: Floats) -> "Coordinates":
        """With the centre where features are `shift` now."""
        return replace(self, centre=self.centre + shift * np.float32(self.distance / self.length))

    def settings(self, settings: StepSettings) -> StepSettings:
        """Settings meant for features of length one: the clip grows with theirs, a gradient's step shrinks.

        The noise multiplier stands, and with it what a step costs.
        """
        shorter = self.length**2 if settings.optimizer == "sgd" else self.length
        return replace(
            settings,
            max_grad_norm=settings.max_grad_norm * self.length,
            learning_rate=settings.learning_rate / shorter,
        )


def declared_lift(
    weight: Floats,
    bias: Floats,
    rows: Sequence[int],
    features: Floats,
    *,
    lifted: float = LIFTED,
    lowest: float = 0.0,
) -> float:
    """What is added to the biases of `rows`, by bisection over public features (notes, hidden).

    Until they hold `lifted` of the probability; `lowest` or more: 0 lifts, and lets alone what stands high.
    """
    logits = features.astype(np.float64) @ weight.T.astype(np.float64) + bias
    declared = np.zeros(len(bias), bool)
    declared[list(rows)] = True
    if not len(features) or declared.all() or not declared.any():
        return 0.0
    odds = _log_sum_exp(logits[:, declared]) - _log_sum_exp(logits[:, ~declared])

    def short(lift: float) -> float:
        return lifted - float(expit(odds + lift).mean())

    if short(lowest) <= 0:
        return lowest
    return HIGHEST_LIFT if short(HIGHEST_LIFT) > 0 else float(brentq(short, lowest, HIGHEST_LIFT, xtol=1e-6))


def _log_sum_exp(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    summed: npt.NDArray[np.float64] = logsumexp(logits, axis=1)
    return summed

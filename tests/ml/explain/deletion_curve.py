"""Whether attributions point at what the model really used: the deletion curve.

Parts are taken out one after another, the strongest first; the sooner the label's log probability
falls, the truer the attribution (Samek et al. 2017). Random orders are the control.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.explain.occlusion import Span, occlude
from ml.inference.predictor import Predictor

Floats = npt.NDArray[np.float64]


def deletion_curve(
    predictor: Predictor, text: str, parts: Sequence[Span], *, order: Sequence[int], label: int
) -> Floats:
    """The label's log probability with the first 0, 1, ..., all parts of `order` gone."""
    growing = [[parts[i] for i in order[:count]] for count in range(1, len(order) + 1)]
    found = occlude(predictor, text, growing)
    return np.concatenate([found.whole[label : label + 1], found.without[:, label]])


def area_over(curve: Floats) -> float:
    """Mean fall of the curve below its start, in natural-log units: larger is more faithful."""
    return float((curve[0] - curve[1:]).mean()) if len(curve) > 1 else 0.0


def faithfulness(
    predictor: Predictor, text: str, parts: Sequence[Span], *, label: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Area over the deletion curve by attribution, and by a random order of the same parts."""
    weights: np.ndarray[Any, Any] = occlude(predictor, text, [[part] for part in parts]).weights()[:, label]
    orders = (np.argsort(-weights, kind="stable").tolist(), rng.permutation(len(parts)).tolist())
    by_weight, by_chance = (
        area_over(deletion_curve(predictor, text, parts, order=order, label=label)) for order in orders
    )
    return by_weight, by_chance

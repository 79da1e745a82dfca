"""Whether a stated probability is the share that comes true: reliability, ECE, its noise, Brier's score."""

from dataclasses import dataclass
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.floating[Any]]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions whose stated probability lies in (low, high]."""

    low: float
    high: float
    count: int
    stated: float
    observed: float


def reliability(stated: FloatArray, correct: BoolArray, *, bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """The reliability diagram: bins of equal width; empty ones are left out."""
    places = _places(stated, bins)
    found = []
    for place in np.unique(places):
        here = places == place
        found.append(
            ReliabilityBin(
                low=int(place) / bins,
                high=(int(place) + 1) / bins,
                count=int(here.sum()),
                stated=float(stated[here].mean()),
                observed=float(correct[here].mean()),
            )
        )
    return tuple(found)


def expected_calibration_error(stated: FloatArray, correct: BoolArray, *, bins: int = 10) -> float:
    """Mean distance of stated from observed, weighted by count (Naeini et al. 2015)."""
    diagram = reliability(stated, correct, bins=bins)
    total = sum(b.count for b in diagram)
    return sum(b.count * abs(b.stated - b.observed) for b in diagram) / total if total else 0.0


def calibration_noise(stated: FloatArray, *, bins: int = 10) -> float:
    """The expected calibration error that chance alone gives probabilities that are wholly true.

    In each bin the share that comes true is near normal, with the variance of so many throws: its mean
    distance from what was stated is sqrt(2 / pi) standard deviations.
    """
    variance = np.bincount(_places(stated, bins), stated * (1 - stated), bins)
    return float(np.sqrt(2 / np.pi * variance).sum()) / len(stated) if len(stated) else 0.0


def brier_of_first(stated: FloatArray, correct: BoolArray) -> float:
    """Mean of (stated - correct)^2 (Brier 1950): unlike the ECE, not won by stating the mean of all."""
    return float(((stated - correct) ** 2).mean()) if len(stated) else 0.0


def _places(stated: FloatArray, bins: int) -> Any:
    """The bin of each, from 0: those in (low, high]."""
    return np.clip(np.ceil(stated * bins).astype(int) - 1, 0, bins - 1)

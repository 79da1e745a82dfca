"""Learns the weights of the profile fit from cases with a known diagnosis.

A softmax over each case's candidates, z = t (ratios + weights . features + what is excluded), and the loss
-log(p(truth) + TOLERANCE): bounded, so that cases which nothing could solve do not steer. Cases of one
disease share their voice: each counts 1 / sqrt(number of its disease's cases). How sharply an excluded
finding tells what a disease nearly always shows from what it often shows is the likeliest of SHARPNESS.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.ranking.profile_fit import FEATURES, FitWeights

TOLERANCE = 0.05
RIDGE = 1e-3
START = (0.25, *(0.0 for _ in FEATURES), 0.0)
SHARPNESS = (1.0, 2.0, 4.0, 8.0, 16.0)
Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RankedCase:
    """One case's candidates and the place of the true one.

    `ratios` (n,) of what is observed and of context, `features` (3, n); `excluded` (len(SHARPNESS), n), what
    the excluded findings say by each of them at a weight of 1.
    """

    disease_id: str
    ratios: Floats
    features: Floats
    excluded: Floats
    truth: int


@dataclass(frozen=True, slots=True)
class FittedWeights:
    """The weights, and the temperature under which the scores are likeliest."""

    weights: FitWeights
    temperature: float


def fit_weights(cases: Sequence[RankedCase]) -> FittedWeights:
    """The weights under which the cases' truths are likeliest. Deterministic."""
    width = max(len(case.ratios) for case in cases)
    inputs = np.zeros((len(cases), width, len(START)), np.float32)
    there = np.zeros((len(cases), width), np.bool_)
    for place, case in enumerate(cases):
        count = len(case.ratios)
        there[place, :count] = True
        inputs[place, :count, 0], inputs[place, :count, 1:-1] = case.ratios, case.features.T
    best = float("inf"), np.zeros(len(START)), 0.0
    for row, sharpness in enumerate(SHARPNESS):
        for place, case in enumerate(cases):
            inputs[place, : len(case.ratios), -1] = case.excluded[row]
        loss, values = _likeliest(_Problem(inputs, there, _truths(cases), _voices(cases)))
        best = min(best, (loss, values, sharpness), key=lambda one: one[0])
    _, found, sharpness = best
    coverage, exact, documented, excluded = (float(v / found[0]) for v in found[1:])
    weights = FitWeights(coverage, exact, documented, excluded=excluded, sharpness=sharpness)
    return FittedWeights(weights, float(found[0]))


def _likeliest(problem: "_Problem") -> tuple[float, Floats64]:
    """The least loss and where it is; an excluded finding never speaks for what shows it."""
    scale = problem.inputs[problem.there].std(axis=0).astype(np.float64) + 1e-6
    scaled = replace(problem, inputs=problem.inputs / scale.astype(np.float32))
    bounds = [(None, None)] * (len(START) - 1) + [(0.0, None)]
    found = minimize(scaled.loss, np.array(START) * scale, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.fun), np.asarray(found.x / scale, np.float64)


def _truths(cases: Sequence[RankedCase]) -> npt.NDArray[np.intp]:
    return np.array([case.truth for case in cases], np.intp)


def _voices(cases: Sequence[RankedCase]) -> Floats64:
    counts = Counter(case.disease_id for case in cases)
    voices = np.array([counts[case.disease_id] ** -0.5 for case in cases])
    return np.asarray(voices / voices.sum())


@dataclass(frozen=True, slots=True)
class _Problem:
    inputs: Floats
    there: npt.NDArray[np.bool_]
    truth: npt.NDArray[np.intp]
    voice: Floats64

    def loss(self, weights: Floats64) -> tuple[float, Floats64]:
        """The loss and its gradient."""
        z = np.where(self.there, self.inputs @ weights.astype(np.float32), -np.inf)
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(p))
        right = p[rows, self.truth].astype(np.float64)
        pull = self.voice * right / (right + TOLERANCE)
        away = p * pull[:, None].astype(np.float32)
        away[rows, self.truth] -= pull
        slope = np.einsum("cn,cnf->f", away, self.inputs).astype(np.float64)
        loss = -float(self.voice @ np.log(right + TOLERANCE)) + RIDGE * float(weights @ weights)
        return loss, slope + 2 * RIDGE * weights

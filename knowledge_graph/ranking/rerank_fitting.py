"""Learns the weights of the second look from cases with a known diagnosis.

A softmax over each case's candidates and the loss -log(p(truth) + TOLERANCE), as in `weight_fitting`. No
weight may be negative. A case whose truth is no candidate teaches nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.ranking.reranking import FEATURES, RerankWeights

TOLERANCE = 0.05
RIDGE = 1e-4
STEPS = 80
HARDEST = 80
Floats64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LookedAt:
    """One case: `features` (n_features, n_candidates), the place of the true one (None: not among them).

    `fixed` (n_candidates,) is what sex, age and excluded findings say, which is not weighed anew.
    """

    disease_id: str
    features: Floats
    fixed: Floats
    truth: int | None

    def rank(self, weights: RerankWeights) -> float:
        """1 + the candidates scored higher + half of those scored equal; infinite without the true one."""
        if self.truth is None:
            return float("inf")
        scores = weights.score(self.features) + self.fixed
        own = scores[self.truth]
        return float(1 + (scores > own).sum() + ((scores == own).sum() - 1) / 2)


def fit_reranking(cases: Sequence[LookedAt], *, unit: float) -> RerankWeights:
    """The weights under which the truths are likeliest, divided by `unit` (nats to a point of the total)."""
    solvable = [case for case in cases if case.truth is not None]
    inputs, there, fixed = _inputs(solvable)
    scale = inputs[there].std(axis=0).astype(np.float64) + 1e-6
    inputs /= scale.astype(np.float32)
    counts = Counter(case.disease_id for case in solvable)
    voices = np.array([counts[case.disease_id] ** -0.5 for case in solvable])
    problem = _Problem(inputs, there, unit * fixed, voices / voices.sum())
    start = np.full(len(FEATURES), 0.1)
    bounds = [(0.0, None)] * len(FEATURES)
    options = {"maxiter": STEPS}
    found = minimize(problem.loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return RerankWeights(tuple(round(float(v), 4) for v in found / scale / unit))


def _inputs(cases: Sequence[LookedAt]) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """(n_cases, HARDEST, n_features), the true one first and the others by what they are worth unlearned.

    With which of them there are, and what is not weighed anew.
    """
    inputs = np.zeros((len(cases), HARDEST, len(FEATURES)), np.float32)
    there, fixed = np.zeros(inputs.shape[:2], np.bool_), np.zeros(inputs.shape[:2], np.float32)
    for place, case in enumerate(cases):
        features = case.features.T
        rough = features / (features.std(axis=0) + 1e-6)
        score = rough.sum(axis=1)
        score[case.truth] = np.inf
        hardest = np.argsort(-score, kind="stable")[:HARDEST]
        inputs[place, : len(hardest)] = features[hardest]
        there[place, : len(hardest)] = True
        fixed[place, : len(hardest)] = case.fixed[hardest]
    return inputs, there, fixed


@dataclass(frozen=True, slots=True)
class _Problem:
    inputs: Floats
    there: npt.NDArray[np.bool_]
    fixed: Floats
    voice: Floats64

    def loss(self, weights: Floats64) -> tuple[float, Floats64]:
        """The loss and its gradient; the true one is the first candidate."""
        z = np.where(self.there, self.inputs @ weights.astype(np.float32) + self.fixed, -np.inf)
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        right = p[:, 0].astype(np.float64)
        pull = self.voice * right / (right + TOLERANCE)
        away = p * pull[:, None].astype(np.float32)
        away[:, 0] -= pull
        slope = np.einsum("cn,cnf->f", away, self.inputs).astype(np.float64)
        loss = -float(self.voice @ np.log(right + TOLERANCE)) + RIDGE * float(weights @ weights)
        return loss, slope + 2 * RIDGE * weights

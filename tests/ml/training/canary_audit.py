"""An audit by one run on synthetic canaries: what is the least epsilon that its guesses prove?

Steinke, Nasr, Jagielski 2023 (arXiv 2305.08846): each canary is in or out by a coin; after the run the
auditor guesses "in" for those that the model fits best and "out" for those it fits worst. Of r guesses, the
number that are right is at most binomial with p = e^eps / (1 + e^eps), but for a term in delta; so many
right guesses refute small epsilons.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import binom

CANARIES, DELTA, SURE = 1000, 1e-5, 0.05
GUESSES = 2 * 100


def coins(seed: int) -> npt.NDArray[np.bool_]:
    """Which canaries are in."""
    return np.random.default_rng(seed).random(CANARIES) < 0.5


def right_guesses(fit: npt.NDArray[np.floating], included: npt.NDArray[np.bool_]) -> int:
    """How often the auditor is right, who knows how well the trained model fits each canary."""
    order = np.argsort(fit)
    worst, best = order[: GUESSES // 2], order[-GUESSES // 2 :]
    return int((~included[worst]).sum() + included[best].sum())


def p_value(right: int, epsilon: float) -> float:
    """How likely so many right guesses are under (epsilon, delta), at most (theorem 5.2 there)."""
    chance = 1 / (1 + math.exp(-epsilon))
    fewer: npt.NDArray[np.float64] = np.cumsum(binom.pmf(right - np.arange(1, right + 1), GUESSES, chance))
    slack = float((fewer / np.arange(1, right + 1)).max(initial=0.0))
    return min(1.0, float(binom.sf(right - 1, GUESSES, chance)) + 2 * CANARIES * DELTA * slack)


def proven_epsilon(right: int) -> float:
    """The largest epsilon that is refuted with 95 % confidence; 0 where none is."""
    if p_value(right, 0.0) > SURE:
        return 0.0
    return float(brentq(lambda epsilon: p_value(right, epsilon) - SURE, 0.0, 30.0))

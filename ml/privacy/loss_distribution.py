"""The privacy loss of a ledger, counted out on a grid: what no honest accountant goes below.

The loss L = log(P / Q) of one step, for P the mixture (1 - q) N(0, s^2) + q N(1, s^2) and Q = N(0, s^2), and
the other way round, is rounded down to a grid; the losses of steps add up, so their distributions convolve
(Koskela, Jaelkoe, Honkela 2020, arXiv 1906.03049). Then

    delta(epsilon) = E[max(0, 1 - exp(epsilon - L))]
                   = max_k (sum_{j >= k} p_j - exp(epsilon) sum_{j >= k} p_j exp(-l_j)).

Rounding down makes the result a lower bound, by at most the number of steps times the grid's width.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from ml.privacy.ledger import Mechanism, epsilon_bound

_SHARE = 0.02  # of the RDP bound: how far below the truth the result may lie, where the grid allows it
_MOST_CELLS = 1 << 19

Floats = npt.NDArray[np.float64]


def least_epsilon(history: Sequence[Mechanism], delta: float) -> float:
    """A lower bound on the composed epsilon; 0 for an empty history."""
    steps = sum(count for _, _, count in history)
    bound = epsilon_bound(history, delta)
    if bound == 0:
        return 0.0
    reach = max(epsilon_bound(history, 1e-4 * delta), math.log(1 / delta) + 8)
    half = min(_MOST_CELLS, 1 << math.ceil(math.log2(reach * steps / (_SHARE * bound)))) // 2
    edges = np.linspace(-reach, reach, 2 * half + 1)
    both = (_composed(history, edges, removed=removed) for removed in (True, False))
    return max(_epsilon(probabilities, edges[:-1], delta) for probabilities in both)


def _composed(history: Sequence[Mechanism], edges: Floats, *, removed: bool) -> Floats:
    """Probability of each cell's lower edge after every step."""
    half = len(edges) // 2
    whole: npt.NDArray[np.complex128] = np.ones(half + 1, np.complex128)
    for sigma, rate, steps in history:
        below = _cumulative(edges, sigma, rate) if removed else _cumulative_added(edges, sigma, rate)
        below[-1] = 1.0
        whole = whole * np.fft.rfft(np.roll(np.diff(below), -half)) ** steps
    return np.roll(np.maximum(np.fft.irfft(whole, 2 * half), 0.0), half)


def _cumulative(losses: Floats, sigma: float, rate: float) -> Floats:
    """P[L <= loss] where her data was there: x is drawn from the mixture."""
    x = _where(losses, sigma, rate)
    below: Floats = (1 - rate) * ndtr(x / sigma) + rate * ndtr((x - 1) / sigma)
    return below


def _cumulative_added(losses: Floats, sigma: float, rate: float) -> Floats:
    """P[-L <= loss] where it was not: x is drawn from N(0, s^2)."""
    below: Floats = ndtr(-_where(-losses, sigma, rate) / sigma)
    return below


def _where(losses: Floats, sigma: float, rate: float) -> Floats:
    """The x at which L(x) is the loss; minus infinity below the least loss, log(1 - q)."""
    with np.errstate(divide="ignore", over="ignore"):
        ratio = np.maximum(np.exp(losses) - (1 - rate), 0.0) / rate
        x: Floats = sigma**2 * np.log(ratio) + 0.5
    return x


def _epsilon(probabilities: Floats, losses: Floats, delta: float) -> float:
    """The epsilon at which delta is reached; 0 where it never is."""
    above = np.cumsum(probabilities[::-1])[::-1]
    scaled = np.cumsum((probabilities * np.exp(-losses))[::-1])[::-1]
    reached = (above > delta) & (scaled > 0)
    return float(np.log((above[reached] - delta) / scaled[reached]).max(initial=0.0))

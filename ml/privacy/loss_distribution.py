"""The privacy loss of a ledger, counted out on a grid: what no honest accountant goes below.

The loss L = log(P / Q) of one step, for P the mixture (1 - q) N(0, s^2) + q N(1, s^2) and Q = N(0, s^2), and
the other way round, is rounded down to a grid; the losses of steps add up, so their distributions convolve
(Koskela, Jaelkoe, Honkela 2020, arXiv 1906.03049). Then

    delta(epsilon) = E[max(0, 1 - exp(epsilon - L))]
                   = max_k (sum_{j >= k} p_j - exp(epsilon) sum_{j >= k} p_j exp(-l_j)).

Rounding down makes the result a lower bound, by at most the number of steps times the grid's width.

Along a run delta(epsilon) is summed over frequencies instead (Parseval): those of p are the step's to the
power of the steps, so that fewer and fewer are left, and (1 - exp(epsilon - l))+ is two geometric series.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ml.privacy.ledger import Mechanism, epsilon_bound

_SHARE = 0.02  # of the RDP bound: how far below the truth the result may lie, where the grid allows it
_MOST_CELLS = 1 << 19

_FAINT = 1e-8  # of delta: what a frequency may weigh that is left out

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]


def least_epsilon(history: Sequence[Mechanism], delta: float) -> float:
    """A lower bound on the composed epsilon; 0 for an empty history."""
    if epsilon_bound(history, delta) == 0:
        return 0.0
    edges = _grid(history, delta)
    both = (_composed(history, edges, removed=removed) for removed in (True, False))
    return max(_epsilon(probabilities, edges[:-1], delta) for probabilities in both)


def least_deltas(
    history: Sequence[Mechanism], blocks: Sequence[Mechanism], epsilons: Sequence[float], *, delta: float
) -> Iterator[float]:
    """After each block of a run over `history` a lower bound of the delta at the epsilon given for it.

    It is above `delta` where `least_epsilon` is above that epsilon. All blocks are of one mechanism.
    """
    if not blocks:
        return
    sigma, rate, _ = blocks[0]
    edges = _grid([*history, *blocks], delta)
    before = [_spectrum(history, edges, removed=removed) for removed in (True, False)]
    step = [_spectrum([(sigma, rate, 1)], edges, removed=removed) for removed in (True, False)]
    size, block = 0, step
    for (*_, steps), epsilon in zip(blocks, epsilons, strict=True):
        if steps != size:
            size, block = steps, [one**steps for one in step]
        before = [
            _audible(spectrum * further[: len(spectrum)], _FAINT * delta)
            for spectrum, further in zip(before, block, strict=True)
        ]
        excess = _excess(epsilon, edges, max(map(len, before)))
        yield max(_mean(spectrum, excess, len(edges) - 1) for spectrum in before)


def _grid(history: Sequence[Mechanism], delta: float) -> Floats:
    """Edges of cells narrow enough for every step of a history, and as far out as its losses reach."""
    steps, bound = sum(count for _, _, count in history), epsilon_bound(history, delta)
    reach = max(epsilon_bound(history, 1e-4 * delta), math.log(1 / delta) + 8)
    half = min(_MOST_CELLS, 1 << math.ceil(math.log2(reach * steps / (_SHARE * bound)))) // 2
    return np.linspace(-reach, reach, 2 * half + 1)


def _composed(history: Sequence[Mechanism], edges: Floats, *, removed: bool) -> Floats:
    """Probability of each cell's lower edge after every step."""
    half = len(edges) // 2
    whole = _spectrum(history, edges, removed=removed)
    return np.roll(np.maximum(np.fft.irfft(whole, 2 * half), 0.0), half)


def _spectrum(history: Sequence[Mechanism], edges: Floats, *, removed: bool) -> Complexes:
    """The losses' characteristic function after every step; a loss of 0 is the first cell."""
    half = len(edges) // 2
    whole: Complexes = np.ones(half + 1, np.complex128)
    for sigma, rate, steps in history:
        below = _cumulative(edges, sigma, rate) if removed else _cumulative_added(edges, sigma, rate)
        below[-1] = 1.0
        whole = whole * np.fft.rfft(np.roll(np.diff(below), -half)) ** steps
    return whole


def _audible(spectrum: Complexes, faint: float) -> Complexes:
    """Without the high frequencies that no further step brings back."""
    return spectrum[: 1 + int(np.flatnonzero(np.abs(spectrum) > faint)[-1])]


def _excess(epsilon: float, edges: Floats, count: int) -> Complexes:
    """The first frequencies of (1 - exp(epsilon - loss))+ over the cells' lower edges."""
    half = len(edges) // 2
    width = (edges[-1] - edges[0]) / (2 * half)
    first = min(math.ceil(epsilon / width), half)
    start, end = (_turned(power, half, count) for power in (first, half))
    angles = math.pi / half * np.arange(count)
    short = 2j * np.sin(angles / 2) * np.exp(-0.5j * angles)  # 1 - exp(-i angle), to the last digit
    ones = (start - end) / np.where(short == 0, 1, short)
    ones[0] = half - first
    start, end = start * math.exp(epsilon - first * width), end * math.exp(epsilon - half * width)
    fallen: Complexes = (start - end) / (math.exp(-width) * short - math.expm1(-width))
    return ones - fallen


def _turned(power: int, half: int, count: int) -> Complexes:
    """exp(-i pi m power / half) for the first frequencies m; the angle is reduced in whole numbers."""
    turned: Complexes = np.exp(-1j * math.pi / half * (np.arange(count) * power % (2 * half)))
    return turned


def _mean(spectrum: Complexes, of: Complexes, cells: int) -> float:
    """The mean of a function of the losses, from the frequencies of both."""
    product = (spectrum * of[: len(spectrum)].conj()).real
    doubled = 2 * product.sum() - product[0]
    return float(doubled - (product[-1] if len(spectrum) == cells // 2 + 1 else 0.0)) / cells


def _cumulative(losses: Floats, sigma: float, rate: float) -> Floats:
    """P[L <= loss] where her data was there: x is drawn from the mixture."""
    from scipy.special import ndtr  # here, as in rdp.py: the window imports this file

    x = _where(losses, sigma, rate)
    below: Floats = (1 - rate) * ndtr(x / sigma) + rate * ndtr((x - 1) / sigma)
    return below


def _cumulative_added(losses: Floats, sigma: float, rate: float) -> Floats:
    """P[-L <= loss] where it was not: x is drawn from N(0, s^2)."""
    from scipy.special import ndtr

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

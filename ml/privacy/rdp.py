"""Rényi differential privacy of the Poisson-subsampled Gaussian, in numpy: the torch-free cross-check.

Mironov, Talwar, Zhang 2019 (arXiv 1908.10530), section 3.3: with sampling rate q and noise multiplier s,

    A(a) = E[(1 - q + q exp((2 z - 1) / (2 s^2)))^a], z ~ N(0, s^2),   rdp(a) = log A(a) / (a - 1);
    A(a) = sum_k C(a, k) (1 - q)^(a - k) q^k exp((k^2 - k) / (2 s^2))  where a is an integer.

Orders between integers matter where epsilon is large. Their integrand is analytic, so the trapezoidal
rule is exact to rounding.

From RDP to (epsilon, delta): Canonne, Kamath, Steinke 2020 (arXiv 2004.00010), proposition 12. It is an upper
bound on the true epsilon, a little above what the numerical accountant (PRV) gives.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

ORDERS = (1.1, 1.25, 1.5, 1.75, 2.5, *range(2, 65), 80, 96, 128, 192, 256, 512)


@lru_cache(maxsize=4096)
def step_rdp(sample_rate: float, noise_multiplier: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """rdp(a) of one step for every order of ORDERS. Raises ValueError for impossible parameters."""
    if not 0 < sample_rate <= 1 or not noise_multiplier > 0:
        raise ValueError("a step needs a sample rate in (0, 1] and a noise multiplier above 0")
    if sample_rate == 1:
        return np.array(ORDERS) / (2 * noise_multiplier**2)
    return np.array([_log_a(order, sample_rate, noise_multiplier) / (order - 1) for order in ORDERS])


def epsilon_of_rdp(rdp: Sequence[float] | np.ndarray, delta: float) -> float:
    """The smallest epsilon over the orders at this delta; never below 0."""
    orders = np.array(ORDERS, dtype=float)
    bounds = np.asarray(rdp) + np.log1p(-1 / orders) - (math.log(delta) + np.log(orders)) / (orders - 1)
    return max(0.0, float(bounds.min()))


def _log_a(order: float, q: float, sigma: float) -> float:
    return _by_sum(int(order), q, sigma) if order == int(order) else _by_integral(order, q, sigma)


def _by_integral(order: float, q: float, sigma: float) -> float:
    from scipy.special import logsumexp  # here, since every vault imports this file and few ask for epsilon

    step = min(sigma, sigma**2) / 25
    z = np.arange(-15 * sigma, order + 15 * sigma, step)
    log_density = -(z**2) / (2 * sigma**2) - math.log(sigma * math.sqrt(2 * math.pi))
    log_ratio = np.logaddexp(math.log1p(-q), math.log(q) + (2 * z - 1) / (2 * sigma**2))
    return float(logsumexp(order * log_ratio + log_density)) + math.log(step)


def _by_sum(order: int, q: float, sigma: float) -> float:
    from scipy.special import gammaln, logsumexp

    k = np.arange(order + 1)
    log_binomial = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    terms = log_binomial + (order - k) * math.log1p(-q) + k * math.log(q) + (k * k - k) / (2 * sigma**2)
    return float(logsumexp(terms))

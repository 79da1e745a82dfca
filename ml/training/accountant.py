"""Epsilon by Opacus' PRV accountant (Gopi, Lee, Wutschitz 2021), and the noise that a target needs.

Runs in the trainer's process, since Opacus brings torch; the app cross-checks by RDP.
"""

import warnings
from collections.abc import Sequence

from opacus.accountants import PRVAccountant, RDPAccountant

History = Sequence[tuple[float, float, int]]
LEAST_NOISE, MOST_NOISE = 0.3, 500.0


def epsilon_prv(history: History, delta: float) -> float:
    """Composed epsilon of (noise multiplier, sample rate, steps) entries; an upper estimate."""
    if not history:
        return 0.0
    accountant = PRVAccountant()
    accountant.history = list(history)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(accountant.get_epsilon(delta=delta))


def epsilon_rdp(history: History, delta: float) -> float:
    """The same by Opacus' RDP accountant."""
    accountant = RDPAccountant()
    accountant.history = list(history)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(accountant.get_epsilon(delta=delta))


def noise_for(
    target_epsilon: float, *, history: History, sample_rate: float, steps: int, delta: float
) -> float | None:
    """The least noise multiplier (to 1 %) that keeps history and run within the target; None if none does."""

    def composed(noise: float) -> float:
        return epsilon_prv([*history, (noise, sample_rate, steps)], delta)

    if history and epsilon_prv(history, delta) >= target_epsilon:
        return None
    low, high = LEAST_NOISE, 2 * LEAST_NOISE
    while composed(high) > target_epsilon:
        low, high = high, 2 * high
        if high > MOST_NOISE:
            return None
    while high / low > 1.01:
        middle = (low * high) ** 0.5
        if composed(middle) > target_epsilon:
            low = middle
        else:
            high = middle
    return high

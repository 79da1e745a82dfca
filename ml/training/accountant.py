"""Epsilon by Opacus' PRV accountant (Gopi, Lee, Wutschitz 2021), and the noise that a target needs.

PRV's upper estimate carries an error term of 0.01, so below that RDP is the sharper of the two. Both bound
epsilon from above, so the smaller one is taken. Where PRV may cut its grid off is an RDP bound too: ours,
since Opacus' takes most of the time of a run's planning.

Runs in the trainer's process, since Opacus brings torch; the app cross-checks by RDP.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Any

from opacus.accountants import PRVAccountant
from opacus.accountants.analysis.prv import Domain
from scipy.optimize import brentq

from ml.privacy.ledger import Mechanism, epsilon_bound

History = Sequence[Mechanism]
LEAST_NOISE, MOST_NOISE = 0.3, 500.0


def epsilon_prv(history: History, delta: float) -> float:
    """Composed epsilon of (noise multiplier, sample rate, steps) entries; an upper bound."""
    if not history:
        return 0.0
    accountant = _OwnDomain()
    accountant.history = list(history)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return min(float(accountant.get_epsilon(delta=delta)), epsilon_bound(history, delta))


def noise_for(
    target_epsilon: float, *, history: History, sample_rate: float, steps: int, delta: float
) -> float | None:
    """The least noise multiplier (to 1 %) that keeps history and run within the target; None if none does.

    RDP is fast and bounds PRV from above: the noise it asks for is where the search by PRV begins.
    """

    def over(log_noise: float) -> float:
        return epsilon_prv([*history, (math.exp(log_noise), sample_rate, steps)], delta) - target_epsilon

    high = _noise_by_rdp(target_epsilon, history, sample_rate=sample_rate, steps=steps, delta=delta)
    if high is None or over(math.log(high)) > 0:
        return None
    low = max(0.85 * high, LEAST_NOISE)
    while over(math.log(low)) <= 0:
        if low == LEAST_NOISE:
            return low
        low, high = max(0.7 * low, LEAST_NOISE), low
    root = float(brentq(over, math.log(low), math.log(high), xtol=0.004))
    noise = math.exp(root + 0.004)
    return noise if over(math.log(noise)) <= 0 else math.exp(root + 0.008)


class _OwnDomain(PRVAccountant):  # type: ignore[misc]
    """Opacus' PRV on a grid as wide as our RDP bound says (Gopi, Lee, Wutschitz 2021, remark 5.6)."""

    def _get_domain(
        self, prvs: Any, num_self_compositions: list[int], eps_error: float, delta_error: float
    ) -> Domain:
        steps = sum(num_self_compositions)
        bounds = [epsilon_bound(self.history, delta_error / 4)]
        bounds += [epsilon_bound([(*m[:2], 1)], delta_error / (8 * steps)) for m in self.history]
        reach = max(*bounds, eps_error) + 3
        return Domain.create_aligned(
            -reach, reach, eps_error / math.sqrt(steps * math.log(12 / delta_error) / 2)
        )


def _noise_by_rdp(
    target_epsilon: float, history: History, *, sample_rate: float, steps: int, delta: float
) -> float | None:
    """Enough noise by the RDP bound, found by bisection; None above the largest."""
    low, high = LEAST_NOISE, MOST_NOISE
    if epsilon_bound([*history, (high, sample_rate, steps)], delta) > target_epsilon:
        return None
    while high / low > 1.005:
        middle = math.sqrt(low * high)
        if epsilon_bound([*history, (middle, sample_rate, steps)], delta) > target_epsilon:
            low = middle
        else:
            high = middle
    return high

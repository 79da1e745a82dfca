"""Epsilon by Opacus' PRV accountant (Gopi, Lee, Wutschitz 2021), and the noise that a target needs.

PRV's upper estimate carries an error term of 0.01, so below that RDP is the sharper of the two. Both bound
epsilon from above, so the smaller one is taken. Where PRV may cut its grid off is an RDP bound too: ours,
since Opacus' takes most of the time of a run's planning.

Runs in the trainer's process, since Opacus brings torch; the app cross-checks by RDP.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from opacus.accountants import PRVAccountant
from opacus.accountants.analysis.prv import (
    DiscretePRV,
    Domain,
    PoissonSubsampledGaussianPRV,
    TruncatedPrivacyRandomVariable,
    compose_heterogeneous,
    discretize,
)
from scipy.fft import irfft, next_fast_len, rfft
from scipy.optimize import brentq

from ml.privacy.ledger import Mechanism, epsilon_bound, followed_by

History = Sequence[Mechanism]
LEAST_NOISE, MOST_NOISE = 0.3, 500.0
EPS_ERROR = 0.01  # of PRV's upper estimate


def epsilon_prv(history: History, delta: float) -> float:
    """Composed epsilon of (noise multiplier, sample rate, steps) entries; an upper bound."""
    if not history:
        return 0.0
    accountant = _OwnDomain()
    accountant.history = list(history)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return min(float(accountant.get_epsilon(delta=delta)), epsilon_bound(history, delta))


def epsilons_along(history: History, blocks: Sequence[Mechanism], delta: float) -> Iterator[float]:
    """`epsilon_prv` of the history and the blocks up to each, all of one mechanism.

    All are on the grid of the whole run, the finest and widest, where a step is counted out once.
    """
    if not blocks:
        return
    done = tuple(history)
    whole = done
    for block in blocks:
        whole = followed_by(whole, block)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = _OneGrid(done, whole, delta)
    for block in blocks:
        done = followed_by(done, block)
        yield min(run.epsilon_after(block[2]), epsilon_bound(done, delta))


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
    """Opacus' PRV on a grid as wide as our RDP bound says (Gopi, Lee, Wutschitz 2021, remark 5.6), and wider,
    up to a number of cells that a Fourier transform is quick for.
    """

    def _get_domain(
        self, prvs: Any, num_self_compositions: list[int], eps_error: float, delta_error: float
    ) -> Domain:
        steps = sum(num_self_compositions)
        bounds = [epsilon_bound(self.history, delta_error / 4)]
        bounds += [epsilon_bound([(*m[:2], 1)], delta_error / (8 * steps)) for m in self.history]
        reach = max(*bounds, eps_error) + 3
        mesh = eps_error / math.sqrt(steps * math.log(12 / delta_error) / 2)
        half = next_fast_len(math.ceil(reach / mesh) + 1, real=True)
        return Domain((1 - half) * mesh, half * mesh, 2 * half)


class _OneGrid:
    """A history, and how one mechanism after it composes: its steps' spectrum to the power of their number.

    As Opacus composes, but that the spectrum is kept from one number of steps to the next.
    """

    def __init__(self, history: History, whole: History, delta: float) -> None:
        self._delta, self._delta_error = delta, delta / 1000
        accountant = _OwnDomain()
        accountant.history = list(whole)
        self._domain = accountant._get_domain(
            [], [steps for *_, steps in whole], EPS_ERROR, self._delta_error
        )
        self._step = self._discrete(whole[-1])
        self._spectrum = rfft(self._step.pmf)
        joined = bool(history) and history[-1][:2] == whole[-1][:2]
        self._steps = history[-1][2] if joined else 0
        self._power = self._spectrum**self._steps
        before = list(history[:-1] if joined else history)
        self._before = (
            compose_heterogeneous([self._discrete(m) for m in before], [steps for *_, steps in before])
            if before
            else None
        )

    def epsilon_after(self, steps: int) -> float:
        """The upper bound after so many steps more."""
        self._steps += steps
        self._power = self._power * self._spectrum**steps
        pmf = irfft(self._power, len(self._step))
        turned = self._steps - 1 + (len(pmf) // 2 if self._steps % 2 == 0 else 0)
        domain = self._domain.shift_right(self._step.domain.shifts * self._steps)
        found = DiscretePRV(np.roll(pmf, turned), domain)
        if self._before is not None:
            found = compose_heterogeneous([self._before, found], [1, 1])
        _, _, upper = found.compute_epsilon(self._delta, self._delta_error, EPS_ERROR)
        return float(upper)

    def _discrete(self, mechanism: Mechanism) -> DiscretePRV:
        noise, rate, _ = mechanism
        loss = PoissonSubsampledGaussianPRV(rate, noise)
        truncated = TruncatedPrivacyRandomVariable(loss, self._domain.t_min, self._domain.t_max)
        return discretize(truncated, self._domain)


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

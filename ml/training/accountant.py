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
    Domain,
    PoissonSubsampledGaussianPRV,
    TruncatedPrivacyRandomVariable,
    discretize,
)
from scipy.fft import next_fast_len, rfft
from scipy.optimize import brentq

from ml.privacy.ledger import Mechanism, epsilon_bound, followed_by

History = Sequence[Mechanism]
LEAST_NOISE, MOST_NOISE = 0.3, 500.0
EPS_ERROR, DELTA_ERROR = 0.01, 1e-3  # of PRV's upper estimate; of delta
FAINT = 1e-6  # of delta: what frequencies may weigh together that are left out


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

    RDP is fast and bounds PRV from above: the noise it asks for is where the search by PRV begins. Where RDP
    overstates what the history has spent by more than is left, it begins where that much more was allowed.
    """

    def over(log_noise: float) -> float:
        return epsilon_prv([*history, (math.exp(log_noise), sample_rate, steps)], delta) - target_epsilon

    def by_rdp(target: float) -> float | None:
        return _noise_by_rdp(target, history, sample_rate=sample_rate, steps=steps, delta=delta)

    def overstated() -> float:
        return epsilon_bound(history, delta) - epsilon_prv(history, delta)

    high = by_rdp(target_epsilon) or by_rdp(target_epsilon + overstated()) or MOST_NOISE
    low = max(0.85 * high, LEAST_NOISE)
    if over(math.log(high)) > 0:
        high = MOST_NOISE
    if over(math.log(high)) > 0:
        return None
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

    As Opacus composes, but that delta is summed over frequencies (Parseval), of which steps leave few: those
    that together can't weigh FAINT of delta are left out, and that much is asked less. (1 - exp(e - l))+ is
    two geometric series.
    """

    def __init__(self, history: History, whole: History, delta: float) -> None:
        self._target = delta * (1 - DELTA_ERROR - FAINT)
        accountant = _OwnDomain()
        accountant.history = list(whole)
        steps = [steps for *_, steps in whole]
        self._domain = accountant._get_domain([], steps, EPS_ERROR, delta * DELTA_ERROR)
        self._faint = FAINT * delta / self._domain.size
        self._step, self._shift = self._spectrum(whole[-1])
        self._power, self._moved, self._epsilon = np.ones_like(self._step), 0.0, 0.0
        for mechanism in history:
            spectrum, shift = self._spectrum(mechanism)
            self._power, self._moved = (
                self._power * spectrum ** mechanism[2],
                self._moved + shift * mechanism[2],
            )

    def epsilon_after(self, steps: int) -> float:
        """The upper bound after so many steps more."""
        power = self._power * self._step[: len(self._power)] ** steps
        self._power = power[: 1 + int(np.flatnonzero(np.abs(power) > self._faint)[-1])]
        self._moved += self._shift * steps
        self._epsilon = self._reached(self._epsilon)
        return self._epsilon + EPS_ERROR

    def _reached(self, epsilon: float) -> float:
        """Where delta is no more than asked, from an epsilon that is not above it: by Newton's steps.

        Each is exact where the losses from the cell of `epsilon` on are all that lie above, as Opacus solves.
        """
        cell = -self._domain.size
        while (first := max(math.ceil((epsilon - self._moved) / self._domain.dt), cell)) != cell:
            cell = first
            above, scaled = self._tail(cell)
            if above <= self._target or scaled <= 0:
                return max(epsilon, 0.0)
            epsilon = max(epsilon, math.log((above - self._target) / scaled))
        return epsilon

    def _tail(self, first: int) -> tuple[float, float]:
        """P[loss of cell `first` or above], and the mean of exp(-loss) there."""
        size, width = self._domain.size, self._domain.dt
        angles = 2 * math.pi / size * np.arange(len(self._power))
        start, end = (_turned(cell, len(self._power), size) for cell in (first, size // 2 + 1))
        short = 2j * np.sin(angles / 2) * np.exp(-0.5j * angles)  # 1 - exp(-i angle), to the last digit
        ones = (start - end) / np.where(short == 0, 1, short)
        ones[0] = size // 2 + 1 - first
        least, most = (math.exp(-(cell * width + self._moved)) for cell in (first, size // 2 + 1))
        fallen = (start * least - end * most) / (math.exp(-width) * short - math.expm1(-width))
        return self._mean(ones), self._mean(fallen)

    def _mean(self, of: Any) -> float:
        """The mean of a function of the losses, from the frequencies of both."""
        product = (self._power * of.conj()).real
        doubled = 2 * product.sum() - product[0]
        whole = len(product) == self._domain.size // 2 + 1
        return float((doubled - (product[-1] if whole else 0.0)) / self._domain.size)

    def _spectrum(self, mechanism: Mechanism) -> tuple[Any, float]:
        """The frequencies of one step's losses, a loss of 0 the first cell, and how far off its cells lie."""
        noise, rate, _ = mechanism
        loss = PoissonSubsampledGaussianPRV(rate, noise)
        truncated = TruncatedPrivacyRandomVariable(loss, self._domain.t_min, self._domain.t_max)
        found = discretize(truncated, self._domain)
        return rfft(np.roll(found.pmf, 1 - self._domain.size // 2)), float(found.domain.shifts)


def _turned(cell: int, count: int, size: int) -> Any:
    """exp(-2 pi i m cell / size) for the first frequencies m; the angle is reduced in whole numbers."""
    return np.exp(-2j * math.pi / size * (np.arange(count) * cell % size))


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

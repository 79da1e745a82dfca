"""Judges what the trainer says a run will cost, before a step of it is debited; without torch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.errors import BudgetExceeded, WorkerFailed
from app.workflows.plan_training import TrainingPlan
from ml.privacy.ledger import Mechanism, epsilon_bound, followed_by
from ml.privacy.loss_distribution import least_deltas

_ROUNDING = 1e-9
_DELTA_ROUNDING = 1e-5  # of delta, as `least_deltas` is counted out: a millionth of epsilon


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """What the trainer would do: its noise multiplier, and the composed epsilon after each block."""

    noise: float
    epsilons: tuple[float, ...]


def check_plan(
    plan: TrainingPlan, planned: PlannedRun, history: Sequence[Mechanism], *, left: int
) -> Iterator[float]:
    """Yield the share of its blocks that was checked; checked is what comes to its end. Raises WorkerFailed.

    The trainer's word is not enough: one epsilon a block, each a possible one. `history` is of the same
    patients, `left` the steps that are to come.
    """
    noise, epsilons = planned.noise, planned.epsilons
    sizes = [min(plan.block_steps, left - start) for start in range(0, left, plan.block_steps)]
    blocks = [(noise, plan.sample_rate, size) for size in sizes]
    if not _is_plausible(blocks, epsilons, history, plan.delta):
        raise WorkerFailed(_DISAGREE)
    leasts = least_deltas(history, blocks, epsilons, delta=plan.delta)
    for block, least in enumerate(leasts, start=1):
        if least > plan.delta * (1 + _DELTA_ROUNDING):
            raise WorkerFailed(_DISAGREE)
        yield block / len(blocks)


def check_total(plan: TrainingPlan, planned: PlannedRun, cap: float) -> None:
    """Raise BudgetExceeded where the last block would pass the cap, or the run's own target."""
    if not planned.epsilons:
        return
    last = planned.epsilons[-1]
    if last > cap:
        raise BudgetExceeded(f"this run would bring epsilon to {last:.4g}, above the cap {cap:g}")
    if last > plan.target_epsilon * (1 + _ROUNDING):
        raise BudgetExceeded(
            f"another run has spent since this one stopped: taken up, it would bring epsilon to "
            f"{last:.4g}, above its target {plan.target_epsilon:g}; start a new run"
        )


def _is_plausible(
    blocks: Sequence[Mechanism], epsilons: Sequence[float], history: Sequence[Mechanism], delta: float
) -> bool:
    """As many epsilons as blocks, none falling, none above the RDP bound."""
    if len(epsilons) != len(blocks) or list(epsilons) != sorted(epsilons):
        return False
    done = tuple(history)
    for block, epsilon in zip(blocks, epsilons, strict=True):
        done = followed_by(done, block)
        if not (block[0] > 0 and 0 < epsilon <= epsilon_bound(done, delta) * (1 + _ROUNDING)):
            return False
    return all(math.isfinite(epsilon) for epsilon in epsilons)


_DISAGREE = "the two accountants disagree about this run; nothing was trained: report this"

"""How the learning rate moves over a run; it depends on nothing but the step."""

import math

SCHEDULES = ("constant", "linear", "cosine")
WARM_UP = 0.1  # of the steps


def schedule_factor(name: str, step: int, steps: int) -> float:
    """The learning rate's factor after `step` of `steps`; `linear` and `cosine` warm up, then fall."""
    if name == "constant":
        return 1.0
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    left = (steps - step) / max(1, steps - warm)
    return left if name == "linear" else 0.5 * (1 - math.cos(math.pi * left))

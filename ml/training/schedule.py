"""How the learning rate moves over a run; it depends on nothing but the step, and public constants."""

import math

from ml.training.messages import TrainingJob

SCHEDULES = ("constant", "linear", "cosine")
FAINT = 0.00325
MOMENTUM = 0.9  # of the head's descent
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


def calm_rate(job: TrainingJob, noise: float) -> float:
    """The job's learning rate, or the largest whose noise moves a logit by `most_noise` (one sigma).

    For features of length one: each step adds noise * max_grad_norm / expected_batch, momentum keeps it for
    1 / (1 - MOMENTUM) steps, and independent steps add up as the root of their number; what is learned adds
    up as the number itself. Where the noise for each step, at rate 1, is above FAINT, what is learned is
    faint beside it, and less is allowed in proportion, as in shrinkage towards the start (James and Stein
    1961); every number is public.
    """
    if job.most_noise <= 0:
        return job.learning_rate
    whole = max(noise * job.max_grad_norm / job.expected_batch * math.sqrt(job.steps), 1e-12)
    allowed = job.most_noise * min(1.0, FAINT * job.steps / whole)
    return min(job.learning_rate, allowed * (1 - MOMENTUM) / whole)

"""The trainer's process: holds no vault and no key, and takes a block of steps only when granted."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO

import msgspec

from ml.errors import MlError
from ml.frames import read_frame, write_frame
from ml.privacy.core_dumps import forbid_core_dumps
from ml.privacy.csprng import SecureRandom
from ml.training.devices import training_device
from ml.training.dp_head import StepSettings
from ml.training.learner import Learner, make_learner
from ml.training.messages import TOLD_BLOCKS, TrainingJob, TrainingPatient, decode_start
from ml.training.schedule import calm_rate, schedule_factor
from ml.training.team import Team, join_team


def main() -> int:
    """Serve one job on stdin and stdout; whatever else is printed goes to stderr."""
    forbid_core_dumps()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return serve(sys.stdin.buffer, out)


def serve(inward: BinaryIO, outward: BinaryIO, clock: Callable[[], float] = time.perf_counter) -> int:
    """The conversation of `ml/training/messages.py`; `clock` tells seconds."""
    frame = read_frame(inward)
    if frame is None:
        return 1
    job, patients = decode_start(frame)
    try:
        training_device(job.device)  # refused before anything is planned, and so before a debit
        if job.rank > 0:
            return _follow(job, patients)
        noise = plan_noise(job)
        if noise is None:
            write_frame(outward, {"kind": "refused", "reason": _no_budget(job)})
            return 0
        return _train(job, patients, noise, pipes=(inward, outward), clock=clock)
    except MlError as error:
        write_frame(outward, {"kind": "refused", "reason": str(error)})
        return 0


def plan_noise(job: TrainingJob) -> float | None:
    """The run's noise multiplier: as before for a resumed run, else the least that meets the target."""
    if job.noise_multiplier > 0:
        return job.noise_multiplier
    from ml.training.accountant import noise_for  # brings Opacus, which who follows in a team never needs

    return noise_for(
        job.target_epsilon,
        history=job.history,
        sample_rate=job.sample_rate,
        steps=job.steps,
        delta=job.delta,
    )


def blocks(job: TrainingJob) -> list[int]:
    """Steps of each block that is still to come."""
    left = job.steps - job.done_steps
    return [min(job.block_steps, left - start) for start in range(0, left, job.block_steps)]


def _train(
    job: TrainingJob,
    patients: list[TrainingPatient],
    noise: float,
    *,
    pipes: tuple[BinaryIO, BinaryIO],
    clock: Callable[[], float],
) -> int:
    inward, outward = pipes
    epsilons = _epsilons(job, noise, outward)
    write_frame(outward, {"kind": "planned", "noise_multiplier": noise, "epsilons": epsilons})
    team = _team(job)
    learner = _learner(job, patients, team)
    write_frame(outward, {"kind": "ready"})
    random = SecureRandom()
    step, started = job.done_steps, 0.0
    if step == 0:
        _tell_judgement(job, learner, step, outward)
    for size, epsilon in zip(blocks(job), epsilons, strict=True):
        if not _granted(inward):
            break
        if step == job.done_steps:
            started = clock()
        for _ in range(size):
            drawn = random.poisson_sample(len(patients), job.sample_rate)
            if team is not None:
                team.tell(drawn.tolist())
            learner.step(drawn.tolist(), step_settings(job, noise, step), random)
            step += 1
            speed = (step - job.done_steps) / max(clock() - started, 1e-9)
            write_frame(outward, _progress(step, epsilon, speed))
        if is_judged(job, step):
            _tell_judgement(job, learner, step, outward)
        write_frame(outward, {"kind": "checkpoint", "state": learner.state(), "step": step})
    if team is not None:
        team.tell(None)
    if step == job.steps:
        write_frame(outward, result_frame(learner))
    return 0


def result_frame(learner: Learner) -> dict[str, Any]:
    """What is handed over at the end; `fusion` holds factors, or None where the shipped weights stand."""
    fusion = learner.fusion()
    told = None if fusion is None else msgspec.to_builtins(fusion)
    return {"kind": "result", "tensors": learner.result(), "fusion": told}


def is_judged(job: TrainingJob, step: int) -> bool:
    """Whether the model is judged after the block that ends with this step: by public numbers alone."""
    every = job.validate_blocks * job.block_steps
    return step % every == 0 or step == job.steps


def _tell_judgement(job: TrainingJob, learner: Learner, step: int, outward: BinaryIO) -> None:
    if job.validation:
        found = learner.judge()
        told = {"step": step, "top1": found.top1, "top10": found.top10, "loss": found.loss}
        write_frame(outward, {"kind": "validated"} | told)


def _follow(job: TrainingJob, patients: list[TrainingPatient]) -> int:
    """Take every step that the first of the team takes, on a share of whom it drew; nothing is told."""
    team = _team(job)
    assert team is not None
    silent = replace(job, validation=())
    learner, random, step = _learner(silent, patients, team), SecureRandom(), job.done_steps
    while (drawn := team.hear()) is not None:
        learner.step(drawn, step_settings(job, job.noise_multiplier, step), random)
        step += 1
    return 0


def _team(job: TrainingJob) -> Team | None:
    return join_team(job.meeting, rank=job.rank, size=job.devices) if job.devices > 1 else None


def _learner(job: TrainingJob, patients: list[TrainingPatient], team: Team | None) -> Learner:
    learner = make_learner(job, patients) if team is None else make_learner(job, patients, team)
    if job.resume_from:
        learner.restore(job.resume_from)
    return learner


def step_settings(job: TrainingJob, noise: float, step: int) -> StepSettings:
    """The constants of the step after `step` others; only the learning rate follows the schedule."""
    return StepSettings(
        max_grad_norm=job.max_grad_norm,
        noise_multiplier=noise,
        expected_batch=job.expected_batch,
        learning_rate=calm_rate(job, noise) * schedule_factor(job.schedule, step, job.steps),
        weight_decay=job.weight_decay,
        optimizer=job.optimizer,
        clipping=job.clipping,
    )


def _epsilons(job: TrainingJob, noise: float, outward: BinaryIO) -> list[float]:
    """The composed epsilon after each block."""
    from ml.training.accountant import epsilons_along

    run = [(noise, job.sample_rate, size) for size in blocks(job)]
    found: list[float] = []
    for epsilon in epsilons_along(job.history, run, job.delta):
        found.append(epsilon)
        if len(found) % TOLD_BLOCKS == 0:
            write_frame(outward, {"kind": "planning", "share": len(found) / len(run)})
    return found


def _progress(step: int, epsilon: float, speed: float) -> dict[str, Any]:
    return {"kind": "progress", "step": step, "epsilon": epsilon, "steps_per_second": speed}


def _granted(inward: BinaryIO) -> bool:
    frame = read_frame(inward)
    return frame is not None and frame.get("kind") == "grant"


def _no_budget(job: TrainingJob) -> str:
    wish = f"epsilon {job.target_epsilon:g} can't be kept"
    if job.history:
        return f"{wish} with what these patients' ledger holds already; ask for more or train fewer steps"
    return f"{wish} over {job.steps} steps by any noise; ask for more, or train fewer steps"

"""What the trainer may do and say, as checks over its real conversation; see `dp_checks`."""

import itertools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO
from unittest.mock import patch

from ml.frames import read_frame, write_frame
from ml.privacy import csprng
from ml.privacy.ledger import followed_by
from ml.privacy.loss_distribution import least_epsilon
from ml.training import worker
from ml.training.messages import TrainingJob, ValidationNote, encode_start
from ml.training.validation import Judgement

CLIP = 0.5
JOB = TrainingJob(
    scope="head",
    tensors=b"",
    labels=("a", "b"),
    declared=(0, 1),
    target_epsilon=3.0,
    delta=1e-5,
    sample_rate=1.0,
    steps=10,
    block_steps=4,
    max_grad_norm=CLIP,
    learning_rate=0.1,
    expected_batch=8.0,
    history=((9.0, 1.0, 4),),
)

NOTES = (ValidationNote("a synthetic fever", 1),)
PLANNED = replace(JOB, noise_multiplier=6.0)  # no search for the noise: a conversation in a moment


class Counting:
    """A learner that notes what it is asked for."""

    def __init__(self) -> None:
        self.steps: list[tuple[list[int], Any]] = []
        self.noise: list[tuple[float, ...]] = []

    def step(self, drawn: Any, settings: Any, random: csprng.SecureRandom) -> None:
        self.steps.append((list(drawn), settings))
        self.noise.append(tuple(random.gaussians(4).tolist()))

    def state(self) -> bytes:
        return b"state"

    def restore(self, state: bytes) -> None:
        assert state == b"state"

    def judge(self) -> Judgement:
        return Judgement(0.25, 0.75, 1.5)

    def result(self) -> bytes:
        return b"tensors"

    def fusion(self) -> None:
        return None


def converse(
    job: TrainingJob, grants: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[Counting, list[dict[str, Any]]]:
    """Talk to the real trainer over pipes: the job, so many grants, then the end of the pipe."""
    learner, people = Counting(), [{"number": n, "texts": ["fever"], "label": 0} for n in range(5)]
    (to_read, to_write), (from_read, from_write) = os.pipe(), os.pipe()
    inward, outward = os.fdopen(to_read, "rb"), os.fdopen(from_write, "wb")
    thread = threading.Thread(target=_serve, args=(inward, outward, clock))
    with (
        patch.object(worker, "make_learner", lambda _job, _patients: learner),
        os.fdopen(to_write, "wb") as ask,
        os.fdopen(from_read, "rb") as answer,
    ):
        thread.start()
        write_frame(ask, encode_start(job, []) | {"patients": people})
        for _ in range(grants):
            write_frame(ask, {"kind": "grant"})
        ask.close()
        frames = [frame for frame in iter(lambda: read_frame(answer), None) if frame is not None]
        thread.join()
    return learner, frames


def _serve(inward: BinaryIO, outward: BinaryIO, clock: Callable[[], float]) -> None:
    with inward, outward:
        worker.serve(inward, outward, clock)


def no_step_without_a_grant() -> None:
    """Nothing runs before the first grant, and each lets exactly one block run."""
    for grants, steps in ((0, 0), (1, 4), (2, 8), (3, 10), (5, 10)):
        learner, frames = converse(PLANNED, grants)
        assert len(learner.steps) == steps
        assert [f["step"] for f in frames if f["kind"] == "progress"] == list(range(1, steps + 1))


def a_resumed_run_executes_only_what_is_left() -> None:
    """From the steps that the ledger holds on, with the same noise multiplier and fresh noise."""
    resumed = replace(JOB, resume_from=b"state", done_steps=6, noise_multiplier=5.0)
    learner, frames = converse(resumed, 9)
    assert len(learner.steps) == 4
    assert frames[0]["noise_multiplier"] == 5.0
    again, _ = converse(resumed, 9)
    assert not set(learner.noise) & set(again.noise)


def epsilon_is_at_least_what_the_steps_cost() -> None:
    """Announced for each block, over what the ledger held before, at the job's own delta."""
    for rate in (1.0, 0.5):
        job = replace(JOB, sample_rate=rate)
        planned = converse(job, 0)[1][0]
        history, noise = job.history, planned["noise_multiplier"]
        for size, epsilon in zip((4, 4, 2), planned["epsilons"], strict=True):
            history = followed_by(history, (noise, rate, size))
            assert epsilon >= least_epsilon(history, job.delta)
        assert 0.9 * job.target_epsilon < planned["epsilons"][-1] <= job.target_epsilon


def steps_run_with_what_was_announced() -> None:
    """The noise, the clip, the public divisor and the sample rate of the job."""
    learner, frames = converse(PLANNED, 3)
    for drawn, settings in learner.steps:
        assert drawn == [0, 1, 2, 3, 4]  # the sample rate is 1
        assert settings.noise_multiplier == frames[0]["noise_multiplier"]
        assert (settings.max_grad_norm, settings.expected_batch) == (JOB.max_grad_norm, JOB.expected_batch)


def the_trainer_tells_nothing_of_the_patients() -> None:
    """Every frame's fields are listed here, and only the tensors hold anything learned."""
    fields = {
        "planning": {"kind", "share"},
        "planned": {"kind", "noise_multiplier", "epsilons"},
        "ready": {"kind"},
        "progress": {"kind", "step", "epsilon", "steps_per_second"},
        "validated": {"kind", "step", "top1", "top10", "loss"},
        "checkpoint": {"kind", "state", "step"},
        "result": {"kind", "tensors", "fusion"},
    }
    for job in (PLANNED, replace(PLANNED, validation=NOTES)):
        for frame in converse(job, 3)[1]:
            assert set(frame) == fields[frame["kind"]]
    assert "validated" not in {frame["kind"] for frame in converse(PLANNED, 3)[1]}


def the_model_is_judged_at_steps_that_are_known_before() -> None:
    """At the start of a new run, after every second block of four steps, and after the last step."""
    job = replace(PLANNED, validation=NOTES, validate_blocks=2)
    for done, steps in ((0, [0, 8, 10]), (4, [8, 10]), (8, [10])):
        taken_up = replace(job, resume_from=b"state" if done else b"", done_steps=done)
        frames = converse(taken_up, 3)[1]
        assert [f["step"] for f in frames if f["kind"] == "validated"] == steps
        for before, frame in itertools.pairwise(frames):
            assert before["kind"] != "validated" or frame["kind"] in ("checkpoint", "progress")


CONVERSATION_CHECKS: tuple[Callable[[], None], ...] = (
    no_step_without_a_grant,
    a_resumed_run_executes_only_what_is_left,
    epsilon_is_at_least_what_the_steps_cost,
    steps_run_with_what_was_announced,
    the_trainer_tells_nothing_of_the_patients,
    the_model_is_judged_at_steps_that_are_known_before,
)

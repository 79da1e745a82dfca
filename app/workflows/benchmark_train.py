"""Measures a private training step beside a plain one, for each scope, on synthetic patients alone.

torch runs in a worker process, as in training; the worker returns times and nothing else.
"""

import os
import subprocess
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, BinaryIO, cast

import numpy as np

from app.config.program import worker_command, worker_environment
from app.config.settings import cache_dir
from app.errors import WorkerFailed
from app.workflows.synthetic_notes import SyntheticNotes
from knowledge_graph.graph.cache import load_compiled
from ml.errors import MlError
from ml.frames import read_frame, write_frame
from ml.registry.model_version import TENSORS_FILE
from ml.registry.starting_model import starting_version
from ml.training.messages import TrainingJob, TrainingPatient, encode_start

DEFAULT_PATIENTS = 32
DISEASES, MOST_NOTES = 50, 4
ROUNDS = {"head": 50, "encoder": 3}
ENCODER_SIDES = (
    "full/plain",
    "full/private",
    "full/notes",
    "full/noise",
    "top/private",
    "lora/plain",
    "lora/private",
    "lora/hooks",
)
RATIOS = {
    "full: DP-SGD / plain": ("full/private", "full/plain"),
    "full: each patient clipped / each note clipped": ("full/private", "full/notes"),
    "full: noise / DP-SGD step": ("full/noise", "full/private"),
    "top DP-SGD / full plain": ("top/private", "full/plain"),
    "lora: DP-SGD / plain": ("lora/private", "lora/plain"),
    "lora: book-keeping / Opacus' hooks": ("lora/private", "lora/hooks"),
}
Progress = Callable[..., None]


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> dict[str, object]:
    """`size` is the number of patients a step; each has one to four notes.

    Times are interleaved in one process; the memory of a side is its peak beyond what was loaded, each in a
    process of its own.
    """
    progress("writing synthetic patients")
    patients, declared = synthetic_patients(size or DEFAULT_PATIENTS)
    found: dict[str, object] = {
        "patients a step": len(patients),
        "notes a step": sum(len(p.texts) for p in patients),
        "threads": _threads(),
    }
    found |= _head(progress, patients, declared) | _encoder(progress, patients, declared)
    progress("measuring memory")
    peaks = [
        int(_answer(_job("full", declared, 1), patients, [side])["peak_bytes"])
        for side in ("full/private", "full/plain")
    ]
    return found | {"full: memory of a step, DP-SGD / plain": peaks[0] / max(peaks[1], 1)}


def _head(
    progress: Progress, patients: list[TrainingPatient], declared: tuple[int, ...]
) -> dict[str, object]:
    rounds = ROUNDS["head"]
    progress(f"timing {rounds} steps of each side, scope head")
    sides = ("head/private", "head/plain")
    private, plain = step_times(_job("head", declared, rounds), patients, sides).values()
    return {
        "head: DP-SGD step, ms": private,
        "head: plain step, ms": plain,
        "head: DP-SGD / plain": private / plain,
    }


def _encoder(
    progress: Progress, patients: list[TrainingPatient], declared: tuple[int, ...]
) -> dict[str, object]:
    rounds = ROUNDS["encoder"]
    progress(f"timing {rounds} steps of {len(ENCODER_SIDES)} sides of the encoder")
    times = step_times(encoder_job(declared), patients, ENCODER_SIDES)
    found: dict[str, object] = {f"{side} step, ms": value for side, value in times.items()}
    return found | {name: times[over] / times[under] for name, (over, under) in RATIOS.items()}


def encoder_job(declared: tuple[int, ...]) -> TrainingJob:
    """What times the encoder's sides, ROUNDS of each."""
    return _job("full", declared, ROUNDS["encoder"])


def step_times(job: TrainingJob, patients: list[TrainingPatient], sides: Sequence[str]) -> dict[str, float]:
    """The median milliseconds of a step of each side, in turns in one process."""
    answer = _answer(job, patients, sides)
    return {side: median(answer["times"][side]) for side in sides}


def synthetic_patients(count: int) -> tuple[list[TrainingPatient], tuple[int, ...]]:
    """Patients of fifty diseases, written from the graph, and those diseases' rows of the head."""
    graph = load_compiled(cache_dir())
    notes = SyntheticNotes(graph, seed=3)
    chosen = notes.some_diseases(DISEASES)
    places = {label: row for row, label in enumerate(starting_version().labels)}
    rows = [places[graph.disease_ids[d]] for d in chosen.tolist()]
    rng = np.random.default_rng(3)
    patients = []
    for number in range(count):
        at = number % len(rows)
        texts, _ = notes.held_out(
            "discharge summary", int(rng.integers(1, MOST_NOTES + 1)), among=chosen[[at]]
        )
        patients.append(TrainingPatient(number, tuple(texts), rows[at]))
    return patients, tuple(sorted(rows))


def _job(scope: str, declared: tuple[int, ...], rounds: int) -> TrainingJob:
    base = starting_version()
    return TrainingJob(
        scope=scope,
        tensors=base.files[TENSORS_FILE],
        labels=base.labels,
        declared=declared,
        target_epsilon=0.0,
        delta=0.0,
        sample_rate=1.0,
        steps=rounds,
        block_steps=rounds,
        max_grad_norm=1.0,
        learning_rate=1e-3,
        expected_batch=1.0,
        threads=_threads(),
        noise_multiplier=1.0,
    )


def _answer(job: TrainingJob, patients: list[TrainingPatient], sides: Sequence[str]) -> dict[str, Any]:
    with subprocess.Popen(
        worker_command("time-steps"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=worker_environment(),
    ) as process:
        try:
            write_frame(cast(BinaryIO, process.stdin), encode_start(job, patients) | {"sides": list(sides)})
            frame = read_frame(cast(BinaryIO, process.stdout))
        except (OSError, MlError) as error:
            raise WorkerFailed("the timing worker failed; run `anamnesis self-test`") from error
    if frame is None:
        raise WorkerFailed("the timing worker ended without a result; run `anamnesis self-test`")
    return frame


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS") or min(2, os.cpu_count() or 1))

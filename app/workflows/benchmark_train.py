"""Measures a private training step beside a plain one, for each scope, on synthetic patients alone.

torch runs in a worker process, as in training; the worker returns times and nothing else.
"""

import os
import subprocess
from collections.abc import Callable
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
ROUNDS = {"head": 50, "lora": 4}
Progress = Callable[..., None]


def measure(progress: Progress, *, size: int | None = None, data: str | None = None) -> dict[str, object]:
    """`size` is the number of patients a step; each has one to four notes."""
    progress("writing synthetic patients")
    patients, declared = synthetic_patients(size or DEFAULT_PATIENTS)
    notes = sum(len(p.texts) for p in patients)
    found: dict[str, object] = {
        "patients a step": len(patients),
        "notes a step": notes,
        "threads": _threads(),
    }
    for scope, rounds in ROUNDS.items():
        progress(f"timing {rounds} steps of each side, scope {scope}")
        times = _times(_job(scope, declared, rounds), patients)
        private, plain = median(times["private"]), median(times["plain"])
        found |= {
            f"{scope}: DP-SGD step, ms": private,
            f"{scope}: plain step, ms": plain,
            f"{scope}: DP-SGD / plain": private / plain,
        }
    return found


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


def _times(job: TrainingJob, patients: list[TrainingPatient]) -> dict[str, Any]:
    with subprocess.Popen(
        worker_command("time-steps"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=worker_environment(),
    ) as process:
        try:
            write_frame(cast(BinaryIO, process.stdin), encode_start(job, patients))
            frame = read_frame(cast(BinaryIO, process.stdout))
        except (OSError, MlError) as error:
            raise WorkerFailed("the timing worker failed; run `anamnesis self-test`") from error
    if frame is None:
        raise WorkerFailed("the timing worker ended without a result; run `anamnesis self-test`")
    return frame


def _threads() -> int:
    return int(os.environ.get("OMP_NUM_THREADS") or min(2, os.cpu_count() or 1))

"""A training job on the tiny classifier."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.registry.tensor_file import write_tensors
from ml.training.messages import TrainingJob, TrainingPatient
from tests.ml.tiny_model import LABELS, WORDS, head_tensors, write_tiny_encoder

PEOPLE = [
    TrainingPatient(0, ("seizure and fever", "no fever"), 1),
    TrainingPatient(1, ("weak arm .",), 3),
    TrainingPatient(2, ("short leg fever weak",), 1),
]


def tiny_job(folder: Path, *, words: Sequence[str] = WORDS, **changes: Any) -> TrainingJob:
    """Four steps of the head, two of five diseases declared; its encoder is written to the folder."""
    write_tiny_encoder(folder, words)
    job = TrainingJob(
        scope="head",
        tensors=write_tensors(head_tensors()),
        labels=LABELS,
        declared=(1, 3),
        target_epsilon=1.0,
        delta=1e-5,
        sample_rate=1.0,
        steps=4,
        block_steps=2,
        max_grad_norm=1.0,
        learning_rate=0.01,
        expected_batch=3.0,
        encoder_dir=str(folder),
        threads=1,
    )
    return replace(job, **changes)

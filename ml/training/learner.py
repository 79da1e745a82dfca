"""Head and encoder behind one face: what a step does, and how a state is kept and handed over.

`head` trains the declared rows of the head on cached features; every other scope trains some of the encoder
(`ml/training/scopes.py`) by one trainer, for the task `diagnosis` or, without labels, `mlm`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch

from ml.errors import TrainingRefused
from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.registry.training_result import LearnedFusion
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import build_classifier
from ml.training.devices import CPU
from ml.training.dp_head import StepSettings
from ml.training.encoder_learner import EncoderLearner
from ml.training.head_learner import HeadLearner
from ml.training.messages import MLM, TASKS, TrainingJob, TrainingPatient
from ml.training.scopes import HEAD
from ml.training.team import Team
from ml.training.validation import Judgement


class Learner(Protocol):
    """One scope of training."""

    def step(self, drawn: Sequence[int], settings: StepSettings, random: SecureRandom) -> None:
        """One private step on the patients of these places."""

    def state(self) -> bytes:
        """Everything needed to go on later (no patient data)."""

    def restore(self, state: bytes) -> None:
        """Go on from a state."""

    def judge(self) -> Judgement:
        """How the model as released so far does on the job's validation notes; it goes on undisturbed."""

    def result(self) -> bytes:
        """Safetensors of the changed tensors."""

    def fusion(self) -> LearnedFusion | None:
        """What the patients told of the fusion's weights; None where those that ship stand."""


def make_learner(job: TrainingJob, patients: Sequence[TrainingPatient], team: Team | None = None) -> Learner:
    """The learner of a job's scope. Raises TrainingRefused for an unknown one."""
    torch.set_num_threads(job.threads)
    encoder = find_encoder(Path(job.encoder_dir) if job.encoder_dir else None)
    tensors = merged_tensors(encoder, read_tensors(job.tensors))
    config = encoder.config | {
        "hidden_dropout_prob": job.dropout,
        "attention_probs_dropout_prob": job.dropout,
    }
    classifier = build_classifier(tensors, job.labels, config)
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    if job.task not in TASKS:
        raise TrainingRefused(f"there is no task {job.task!r}; choose one of {', '.join(TASKS)}")
    if job.scope == HEAD and job.task == MLM:
        raise TrainingRefused("the head names diseases, which notes without labels can't teach it")
    if job.scope == HEAD and team is not None:
        raise TrainingRefused("the head trains on one device; ask for one, or train another scope")
    if job.device != CPU and team is not None:
        raise TrainingRefused("several devices are processor cores; train with --devices 1, or on the cpu")
    if job.scope == HEAD:
        return HeadLearner(classifier, tokenizer, patients, job)
    return EncoderLearner(classifier, tokenizer, patients, job=job, before=tensors, team=team)

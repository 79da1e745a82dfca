"""Head and encoder behind one face: what a step does, and how a state is kept and handed over.

`head` trains the declared rows of the head on cached features; every other scope trains some of the encoder
(`ml/training/scopes.py`) by one trainer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.numpy import load, save

from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer, Window
from ml.training.classifier import (
    HEAD_BIAS,
    HEAD_WEIGHT,
    Classifier,
    build_classifier,
    changed_tensors,
    encode_texts,
)
from ml.training.dp_encoder import EncoderTrainer
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, private_step, with_frozen
from ml.training.messages import TrainingJob, TrainingPatient
from ml.training.networks import TopNetwork, frozen_states
from ml.training.patient_batches import Part, Patient
from ml.training.scopes import HEAD, Scope, scope_named


class Learner(Protocol):
    """One scope of training."""

    def step(self, drawn: Sequence[int], settings: StepSettings, random: SecureRandom) -> None:
        """One private step on the patients of these places."""

    def state(self) -> bytes:
        """Everything needed to go on later (no patient data)."""

    def restore(self, state: bytes) -> None:
        """Go on from a state."""

    def result(self) -> bytes:
        """Safetensors of the changed tensors."""


def make_learner(job: TrainingJob, patients: Sequence[TrainingPatient]) -> Learner:
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
    if job.scope == HEAD:
        return _HeadLearner(classifier, tokenizer, patients, job.declared)
    return _EncoderLearner(classifier, tokenizer, patients, job=job, before=tensors)


class _HeadLearner:
    def __init__(
        self,
        classifier: Classifier,
        tokenizer: TextTokenizer,
        patients: Sequence[TrainingPatient],
        declared: Sequence[int],
    ):
        texts = [text for patient in patients for text in patient.texts]
        features = encode_texts(classifier, tokenizer, texts)
        ends = np.cumsum([len(p.texts) for p in patients])
        split = np.split(features, ends[:-1]) if len(patients) else []
        weight = classifier.head.weight.detach().numpy()
        self._state = HeadState.start(weight, classifier.head.bias.detach().numpy(), declared)
        told = [PatientFeatures(f, p.label) for f, p in zip(split, patients, strict=True)]
        self._patients = with_frozen(self._state, told)

    def step(self, drawn: Sequence[int], settings: StepSettings, random: SecureRandom) -> None:
        private_step(self._state, [self._patients[i] for i in drawn], settings=settings, random=random)

    def state(self) -> bytes:
        held = self._state
        step = np.array([held.step], np.int64)
        data: bytes = save(
            {"weights": held.weights[held.rows], "first": held.first, "second": held.second, "step": step}
        )
        return data

    def restore(self, state: bytes) -> None:
        kept = load(state)
        self._state.weights[self._state.rows] = kept["weights"]
        self._state.first = kept["first"].copy()
        self._state.second, self._state.step = kept["second"].copy(), int(kept["step"][0])

    def result(self) -> bytes:
        weights = self._state.weights
        changed = {
            HEAD_BIAS: np.ascontiguousarray(weights[:, -1]),
            HEAD_WEIGHT: np.ascontiguousarray(weights[:, :-1]),
        }
        data: bytes = save(changed)
        return data


class _EncoderLearner:
    def __init__(
        self,
        classifier: Classifier,
        tokenizer: TextTokenizer,
        patients: Sequence[TrainingPatient],
        *,
        job: TrainingJob,
        before: dict[str, np.ndarray[Any, Any]],
    ):
        self._classifier, self._before, self._scope = classifier, before, scope_named(job.scope)
        self._scope.prepare(classifier, job.declared)
        self._patients = read_patients(classifier, tokenizer, patients, self._scope)
        network = self._scope.network(classifier).train(job.dropout > 0)
        make = self._scope.allocator
        self._trainer = EncoderTrainer(
            network,
            backend=job.backend,
            optimizer=job.optimizer,
            allocator=None if make is None else make(classifier, job.steps),
        )

    def step(self, drawn: Sequence[int], settings: StepSettings, random: SecureRandom) -> None:
        self._trainer.step([self._patients[i] for i in drawn], settings=settings, random=random)

    def state(self) -> bytes:
        return self._trainer.state()

    def restore(self, state: bytes) -> None:
        self._trainer.restore(state)

    def result(self) -> bytes:
        self._trainer.close()
        if self._scope.fold is not None:
            self._scope.fold(self._classifier)
        return changed_tensors(self._classifier, self._before)


def read_patients(
    classifier: Classifier, tokenizer: TextTokenizer, patients: Sequence[TrainingPatient], scope: Scope
) -> list[Patient]:
    """The patients' windows, or for the last layer the states before it, which stay in memory."""
    owners = [i for i, p in enumerate(patients) for _ in p.texts]
    windows: list[Window] = tokenizer.windows([text for p in patients for text in p.texts]) if owners else []
    parts: Sequence[Part] = windows
    if scope.network is TopNetwork:
        parts = frozen_states(classifier, windows)
    own: list[list[Part]] = [[] for _ in patients]
    for window, part in zip(windows, parts, strict=True):
        own[owners[window.text_index]].append(part)
    return [Patient(tuple(o), p.label) for o, p in zip(own, patients, strict=True)]

"""The two scopes behind one face: what a step does, and how a state is kept and handed over.

`head` trains the declared rows of the head on cached features; `lora` trains the encoder's attention by a
low-rank change, the head frozen.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.numpy import load, save

from ml.errors import TrainingRefused
from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import (
    HEAD_BIAS,
    HEAD_WEIGHT,
    Classifier,
    build_classifier,
    changed_tensors,
    encode_texts,
)
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, private_step, with_frozen
from ml.training.dp_lora import LoraTrainer, PatientTexts
from ml.training.messages import TrainingJob, TrainingPatient

SCOPES = ("head", "lora")


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
    classifier = build_classifier(tensors, job.labels, encoder.config)
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    if job.scope == "head":
        return _HeadLearner(classifier, tokenizer, patients, job.declared)
    if job.scope == "lora":
        return _LoraLearner(classifier, tokenizer, patients, tensors)
    raise TrainingRefused(f"there is no scope {job.scope!r}; choose one of {', '.join(SCOPES)}")


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


class _LoraLearner:
    def __init__(
        self,
        classifier: Classifier,
        tokenizer: TextTokenizer,
        patients: Sequence[TrainingPatient],
        before: dict[str, np.ndarray[Any, Any]],
    ):
        self._before = before
        self._patients = [PatientTexts(p.texts, p.label) for p in patients]
        self._trainer = LoraTrainer(classifier, tokenizer)

    def step(self, drawn: Sequence[int], settings: StepSettings, random: SecureRandom) -> None:
        self._trainer.step([self._patients[i] for i in drawn], settings=settings, random=random)

    def state(self) -> bytes:
        data: bytes = save({str(i): p.detach().numpy() for i, p in enumerate(self._trainer.parameters)})
        return data

    def restore(self, state: bytes) -> None:
        kept = load(state)
        with torch.no_grad():
            for i, parameter in enumerate(self._trainer.parameters):
                parameter.copy_(torch.from_numpy(kept[str(i)].copy()))

    def result(self) -> bytes:
        return changed_tensors(self._trainer.finish(), self._before)

"""Trains some of the encoder, as a scope says, for the diagnosis or on hidden words."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch

from ml.errors import TrainingRefused
from ml.privacy.csprng import SecureRandom
from ml.registry.training_result import LearnedFusion
from ml.text.tokenizer import TextTokenizer, Window
from ml.training.classifier import Classifier, changed_tensors
from ml.training.devices import training_device
from ml.training.dp_encoder import EncoderTrainer
from ml.training.dp_head import StepSettings
from ml.training.masked_words import MaskedWordsNetwork, Masking, fit_decoder
from ml.training.messages import MLM, TrainingJob, TrainingPatient
from ml.training.networks import Network, TopNetwork, frozen_states
from ml.training.patient_batches import Patient
from ml.training.scopes import TOP, Scope, scope_named
from ml.training.team import Team
from ml.training.validation import Judgement, declared_columns, encoder_features, judged, undisturbed


class EncoderLearner:
    """Trains some of the encoder in a scope's way, by windows or cached states."""

    def __init__(
        self,
        classifier: Classifier,
        tokenizer: TextTokenizer,
        patients: Sequence[TrainingPatient],
        *,
        job: TrainingJob,
        before: dict[str, np.ndarray[Any, Any]],
        team: Team | None,
    ):
        self._classifier, self._before, self._scope = classifier, before, scope_named(job.scope)
        self._masking: Masking | None = None
        self._step, self._declared = job.done_steps, list(job.declared)
        self._truth = declared_columns(job.validation, job.declared)
        if job.task == MLM:
            network = self._with_decoder(tokenizer, job)
            self._patients = own_parts(patients, tokenizer.windows)
        else:
            self._prepare(job)
            self._patients = read_patients(classifier, tokenizer, patients, self._scope)
            network = self._scope.network(classifier)
        cached = job.scope == TOP
        self._read = encoder_features(classifier, tokenizer, job.validation, cached=cached)
        make = self._scope.allocator
        self._trainer = EncoderTrainer(
            network.train(job.dropout > 0),
            backend=job.backend,
            optimizer=job.optimizer,
            allocator=None if make is None else make(classifier, job.steps),
            team=team,
        )

    def step(self, drawn: Sequence[int], settings: StepSettings, random: SecureRandom) -> None:
        people = [self._patients[i] for i in drawn]
        if self._masking is not None:
            people = self._masking.masked_patients(people, self._step)
        self._step += 1
        self._trainer.step(people, settings=settings, random=random)

    def state(self) -> bytes:
        return self._trainer.state()

    def restore(self, state: bytes) -> None:
        self._trainer.restore(state)

    def judge(self) -> Judgement:
        head = self._classifier.head
        with undisturbed(self._classifier):
            features = torch.from_numpy(self._read()).to(head.weight.device)
            return judged(head(features)[:, self._declared].cpu().numpy(), self._truth)

    def result(self) -> bytes:
        self._trainer.close()
        if self._scope.fold is not None:
            self._scope.fold(self._classifier)
        return changed_tensors(self._classifier, self._before)

    def fusion(self) -> LearnedFusion | None:
        return None  # the head's looks alone are cheap; what the base had stands

    def _with_decoder(self, tokenizer: TextTokenizer, job: TrainingJob) -> Network:
        """The encoder as the scope trains it, and what guesses its hidden words."""
        masking = self._masking = masking_of(tokenizer, self._classifier)
        decoder = fit_decoder(self._classifier, tokenizer.windows(job.public_texts), masking)
        self._prepare(job)
        return MaskedWordsNetwork(self._classifier, decoder.to(training_device(job.device)))

    def _prepare(self, job: TrainingJob) -> None:
        self._scope.prepare(self._classifier, job.declared)
        self._classifier.to(training_device(job.device))


def masking_of(tokenizer: TextTokenizer, classifier: Classifier) -> Masking:
    """How this encoder's windows are masked. Raises TrainingRefused where its vocabulary can't."""
    mask_id = tokenizer.token_id("[MASK]")
    if mask_id is None:
        raise TrainingRefused(
            "the encoder's vocabulary has no [MASK]; learn from confirmed diagnoses instead"
        )
    return Masking(mask_id, classifier.encoder.config.vocab_size)


def read_patients(
    classifier: Classifier, tokenizer: TextTokenizer, patients: Sequence[TrainingPatient], scope: Scope
) -> list[Patient]:
    """The patients' windows, or for the last layer the states before it, which stay in memory."""
    if scope.network is not TopNetwork:
        return own_parts(patients, tokenizer.windows)
    windows = own_parts(patients, tokenizer.windows)
    states = iter(frozen_states(classifier, [cast(Window, part) for p in windows for part in p.parts]))
    return [replace(p, parts=tuple(next(states) for _ in p.parts)) for p in windows]


def own_parts(
    patients: Sequence[TrainingPatient], read: Callable[[Sequence[str]], list[Window]]
) -> list[Patient]:
    """Each patient with the windows of her own texts."""
    return [Patient(tuple(read(p.texts)) if p.texts else (), p.label) for p in patients]

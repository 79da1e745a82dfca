"""Head and encoder behind one face: what a step does, and how a state is kept and handed over.

`head` trains the declared rows of the head on cached features; every other scope trains some of the encoder
(`ml/training/scopes.py`) by one trainer, for the task `diagnosis` or, without labels, `mlm`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from safetensors.numpy import load, save

from ml.errors import TrainingRefused
from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.registry.training_result import LearnedFusion
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
from ml.training.coordinates import HIGHEST_LIFT, Coordinates, declared_lift
from ml.training.devices import CPU, training_device
from ml.training.direction_rows import MADE_LIFTED, DirectionRows, start_rows
from ml.training.directions import Seen
from ml.training.dp_encoder import EncoderTrainer
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, private_step, with_frozen
from ml.training.fusion_looks import CANDIDATES, FUSION_LOOKS, STRETCH, fused_gains, learned_fusion
from ml.training.looks import Looks
from ml.training.masked_words import MaskedWordsNetwork, Masking, fit_decoder
from ml.training.messages import MLM, TASKS, TrainingJob, TrainingPatient
from ml.training.networks import Network, TopNetwork, frozen_states
from ml.training.own_centre import CENTRE_LOOKS, mean_features, own_centre
from ml.training.patient_batches import Patient
from ml.training.scopes import HEAD, TOP, Scope, scope_named
from ml.training.start_rightness import rightness, rightness_looks, seldom_right
from ml.training.start_sureness import SHARES, SURENESS_LOOKS, hold_back, kept_share, relief
from ml.training.team import Team
from ml.training.validation import Judgement, declared_columns, encoder_features, judged, undisturbed

Array = np.ndarray[Any, Any]
Rows = tuple[Array, Array]  # weights (rows, hidden), biases (rows,)


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
        return _HeadLearner(classifier, tokenizer, patients, job)
    return _EncoderLearner(classifier, tokenizer, patients, job=job, before=tensors, team=team)


class _HeadLearner:
    """Trains in the coordinates of the job's public notes, then of the site's (`own_centre`), from a start as
    sure as it may be there (`start_sureness`), or makes rows from directions where that is seldom right
    (`direction_rows`); looks at last how sure the fusion may be (`fusion_looks`); keeps and hands over the
    head in its own.
    """

    def __init__(
        self,
        classifier: Classifier,
        tokenizer: TextTokenizer,
        patients: Sequence[TrainingPatient],
        job: TrainingJob,
    ):
        classifier.to(training_device(job.device))  # it reads there; the descent is on the processor
        public = encode_texts(classifier, tokenizer, job.public_texts)
        self._public = Coordinates.of_public(public)
        notes = [note.text for note in job.validation]
        self._validation = encode_texts(classifier, tokenizer, notes)
        self._truth = declared_columns(job.validation, job.declared)
        texts = [text for patient in patients for text in patient.texts]
        features = self._public.features(encode_texts(classifier, tokenizer, texts))
        ends = np.cumsum([len(p.texts) for p in patients])
        split = np.split(features, ends[:-1]) if len(patients) else []
        head = classifier.head.cpu()
        self._weight, self._bias = head.weight.detach().numpy().copy(), head.bias.detach().numpy().copy()
        declared, steps = list(job.declared), job.steps if job.most_noise > 0 and len(public) else 0
        self._centre = Looks("centre", public.shape[1], round(CENTRE_LOOKS * steps))
        self._sureness = Looks("sureness", len(SHARES), round(SURENESS_LOOKS * steps))
        self._leaders = np.frombuffer(job.leaders, np.int32)
        self._fusion = Looks("fusion", len(CANDIDATES), round(FUSION_LOOKS * steps) if job.leaders else 0)
        self._left = job.steps - job.done_steps
        messages = job.public_messages
        self._rightness = Looks("rightness", 1, rightness_looks(steps) if messages else 0)
        looks = (self._centre, self._sureness, self._fusion, self._rightness)
        self._directions = DirectionRows(
            steps - sum(look.wanted for look in looks),
            job.expected_batch / job.sample_rate,
            lambda: encode_texts(classifier, tokenizer, messages),
        )
        self._notes = public
        self._bias[declared] += np.float32(declared_lift(self._weight, self._bias, declared, public))
        self._state = HeadState.start(*self._public.inward(self._weight, self._bias), job.declared)
        told = [PatientFeatures(f, p.label) for f, p in zip(split, patients, strict=True)]
        self._patients = with_frozen(self._state, told)
        self._beside = [p.beside for p in patients]

    def step(self, drawn: Sequence[int], settings: StepSettings, random: SecureRandom) -> None:
        own, people = self._public.settings(settings), [self._patients[i] for i in drawn]
        self._left -= 1
        if self._left in range(self._fusion.wanted):
            gains = fused_gains(self._released(), people, [self._beside[i] for i in drawn], self._leaders)
            self._fusion.look(STRETCH * own.max_grad_norm * gains, settings=own, random=random)
        elif not self._centre.complete():
            self._centre.look(mean_features(people, len(self._weight[0])), settings=own, random=random)
            if self._centre.complete():
                self._move(own_centre(self._centre))
        elif not self._sureness.complete():
            self._sureness.look(relief(self._state, people), settings=own, random=random)
            if self._sureness.complete():
                hold_back(self._state, kept_share(self._sureness))
        elif not self._rightness.complete():
            shown = rightness(self._state, people, own.max_grad_norm)
            self._rightness.look(shown, settings=own, random=random)
            if self._rightness.complete() and seldom_right(self._rightness, own.max_grad_norm):
                self._directions.begin(self._state, own, self._public, self._still_off())
        elif self._directions.begun:
            self._directions.look(self._state, people, settings=own, random=random)
        else:
            private_step(self._state, people, settings=own, random=random)

    def state(self) -> bytes:
        held, (weight, bias) = self._state, self._outward(start_rows(self._state))
        rows, step = np.concatenate([weight, bias[:, None]], axis=1), np.array([held.step], np.int64)
        kept = {"weights": rows, "first": held.first, "second": held.second, "step": step}
        for looks in (self._centre, self._sureness, self._rightness, self._directions, self._fusion):
            kept |= looks.state()
        data: bytes = save(kept)
        return data

    def restore(self, state: bytes) -> None:
        kept, held = load(state), self._state
        self._centre.restore(kept)
        self._sureness.restore(kept)
        self._fusion.restore(kept)
        self._rightness.restore(kept)
        self._directions.restore(kept, len(held.rows))
        if self._centre.complete():
            self._move(own_centre(self._centre))
        weight, bias = self._public.inward(kept["weights"][:, :-1], kept["weights"][:, -1])
        held.weights[held.rows] = np.concatenate([weight, bias[:, None]], axis=1)
        held.first = kept["first"].copy()
        held.second, held.step = kept["second"].copy(), int(kept["step"][0])

    def judge(self) -> Judgement:
        weight, bias = self._trained()
        logits: Array = self._validation @ weight.T + bias
        return judged(logits, self._truth)

    def result(self) -> bytes:
        rows = self._state.rows
        self._weight[rows], self._bias[rows] = self._trained()
        data: bytes = save({HEAD_BIAS: self._bias, HEAD_WEIGHT: self._weight})
        return data

    def fusion(self) -> LearnedFusion | None:
        return learned_fusion(self._fusion)

    def _still_off(self) -> Seen:
        """What the looks for the centre saw of the way from where it was moved to."""
        return Seen(self._centre.mean() - own_centre(self._centre), self._centre.deviation())

    def _move(self, shift: np.ndarray[Any, Any]) -> None:
        """Go over to features less `shift`; every logit stays what it was."""
        weights = self._state.weights
        weights[:, -1] += weights[:, :-1] @ shift
        self._public = self._public.moved(shift)
        self._patients = [replace(p, features=p.features - shift) for p in self._patients]

    def _trained(self) -> Rows:
        """The declared rows in the head's own coordinates."""
        if not self._directions.begun:
            return self._outward(start_rows(self._state))
        weight, bias = self._outward(self._directions.made(self._state))
        whole, biases, declared = self._weight.copy(), self._bias.copy(), self._state.rows
        whole[declared], biases[declared] = weight, bias
        lift = declared_lift(
            whole, biases, declared.tolist(), self._notes, lifted=MADE_LIFTED, lowest=-HIGHEST_LIFT
        )
        return weight, bias + np.float32(lift)

    def _released(self) -> HeadState:
        """The head as it would be handed over now."""
        if not self._directions.begun:
            return self._state
        weight, bias = self._public.inward(*self._trained())
        weights = self._state.weights.copy()
        weights[self._state.rows] = np.concatenate([weight, bias[:, None]], axis=1)
        return replace(self._state, weights=weights)

    def _outward(self, rows: np.ndarray[Any, Any]) -> Rows:
        return self._public.outward(rows[:, :-1], rows[:, -1])


class _EncoderLearner:
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

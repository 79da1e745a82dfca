"""Trains the declared rows of a head: its looks, the way in which it learns, and what it hands over."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from ml.privacy.csprng import SecureRandom
from ml.registry.training_result import LearnedFusion
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import HEAD_BIAS, HEAD_WEIGHT, Classifier, encode_texts
from ml.training.coordinates import HIGHEST_LIFT, Coordinates, declared_lift
from ml.training.devices import training_device
from ml.training.direction_rows import MADE_LIFTED, DirectionRows, start_rows
from ml.training.directions import Seen
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, private_step, with_frozen
from ml.training.fusion_looks import CANDIDATES, FUSION_LOOKS, fused_gains, learned_fusion, look_settings
from ml.training.looks import Looks
from ml.training.messages import TrainingJob, TrainingPatient
from ml.training.own_centre import CENTRE_LOOKS, mean_features, own_centre
from ml.training.start_rightness import rightness, rightness_looks, seldom_right
from ml.training.start_sureness import SHARES, SURENESS_LOOKS, hold_back, kept_share, relief
from ml.training.validation import Judgement, declared_columns, judged

Array = np.ndarray[Any, Any]
Rows = tuple[Array, Array]  # weights (rows, hidden), biases (rows,)


class HeadLearner:
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
        self._taught = tuple(job.labels[row] for row in job.declared)
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
            self._fusion.look(gains, settings=look_settings(settings), random=random)
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
        return learned_fusion(self._fusion, self._taught)

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

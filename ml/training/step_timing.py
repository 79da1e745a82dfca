"""A worker that times private steps beside plain ones, on synthetic patients, and returns only times.

The plain steps live here and nowhere else: non-private training is not offered, and nothing that was
learnt here leaves the process. Both sides take the same patients in every round, in turns.
"""

import copy
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ml.errors import TrainingRefused
from ml.frames import read_frame, write_frame
from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer, batches_by_length
from ml.training.classifier import Classifier, build_classifier, encode_texts
from ml.training.dp_head import (
    HeadState,
    PatientFeatures,
    StepSettings,
    adam_update,
    factors,
    private_step,
    with_frozen,
)
from ml.training.dp_lora import BATCH_WINDOWS, LoraTrainer, PatientTexts
from ml.training.lora import add_lora
from ml.training.messages import TrainingJob, TrainingPatient, decode_start

WARM_UP = 1
Sides = dict[str, Callable[[], None]]


def main() -> int:
    """One job on stdin, one frame of times on stdout; `steps` of the job are the rounds."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    frame = read_frame(sys.stdin.buffer)
    if frame is None:
        return 1
    job, patients = decode_start(frame)
    write_frame(out, {"kind": "times", **time_steps(job, patients)})
    return 0


def time_steps(job: TrainingJob, patients: Sequence[TrainingPatient]) -> dict[str, list[float]]:
    """Milliseconds of each round, `private` and `plain`, every patient in every step."""
    torch.set_num_threads(job.threads)
    encoder = find_encoder(Path(job.encoder_dir) if job.encoder_dir else None)
    tensors = merged_tensors(encoder, read_tensors(job.tensors))
    classifier = build_classifier(tensors, job.labels, encoder.config)
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    settings = StepSettings(job.max_grad_norm, job.noise_multiplier, len(patients), job.learning_rate)
    if job.scope == "head":
        sides = head_sides(classifier, tokenizer, patients, rows=job.declared, settings=settings)
    elif job.scope == "lora":
        sides = lora_sides(classifier, tokenizer, patients, settings=settings)
    else:
        raise TrainingRefused(f"there is no scope {job.scope!r} to time; choose head or lora")
    return _in_turns(sides, job.steps)


def head_sides(
    classifier: Classifier,
    tokenizer: TextTokenizer,
    patients: Sequence[TrainingPatient],
    *,
    rows: Sequence[int],
    settings: StepSettings,
) -> Sides:
    """Both steps on cached features, as training caches them."""
    weight, bias = classifier.head.weight.detach().numpy(), classifier.head.bias.detach().numpy()
    states = {side: HeadState.start(weight, bias, rows) for side in ("private", "plain")}
    told = [PatientFeatures(encode_texts(classifier, tokenizer, p.texts), p.label) for p in patients]
    people, random = with_frozen(states["plain"], told), SecureRandom()
    return {
        "private": lambda: private_step(states["private"], people, settings=settings, random=random),
        "plain": lambda: adam_update(states["plain"], plain_gradient(states["plain"], people), settings),
    }


def plain_gradient(state: HeadState, people: Sequence[PatientFeatures]) -> npt.NDArray[np.float32]:
    """The mean gradient over all patients at once: nobody's own is formed, none is clipped."""
    notes = [len(p.features) for p in people]
    together = PatientFeatures(
        np.concatenate([p.features for p in people]),
        label=-1,
        frozen=np.concatenate([p.frozen for p in people if p.frozen is not None]),
    )
    errors, inputs = factors(state, together)
    errors = errors * np.float32(len(inputs))
    labels = np.repeat([p.label for p in people], notes)
    errors -= (labels[:, None] == state.rows[None, :]).astype(np.float32)
    share = np.repeat([1 / (count * len(people)) for count in notes], notes).astype(np.float32)
    return np.asarray((errors * share[:, None]).T @ inputs, np.float32)


def lora_sides(
    classifier: Classifier,
    tokenizer: TextTokenizer,
    patients: Sequence[TrainingPatient],
    *,
    settings: StepSettings,
) -> Sides:
    """Both steps on whole texts: Opacus' hooks beside plain backward passes of the same batches."""
    plain = PlainLora(copy.deepcopy(classifier), tokenizer, learning_rate=settings.learning_rate)
    private, random = LoraTrainer(classifier, tokenizer), SecureRandom()
    people = [PatientTexts(p.texts, p.label) for p in patients]
    return {
        "private": lambda: private.step(people, settings=settings, random=random),
        "plain": lambda: plain.step(people),
    }


class PlainLora:
    """LoRA as anyone would train it: the mean loss over the patients, Adam."""

    def __init__(self, classifier: Classifier, tokenizer: TextTokenizer, *, learning_rate: float):
        self._classifier = classifier
        self._tokenizer = tokenizer
        add_lora(classifier)
        self.parameters = [p for p in classifier.parameters() if p.requires_grad]
        self._adam = torch.optim.Adam(self.parameters, lr=learning_rate)

    def step(self, people: Sequence[PatientTexts]) -> None:
        """One step on all of them."""
        self.backward(people)
        self._adam.step()
        self._adam.zero_grad()

    def backward(self, people: Sequence[PatientTexts]) -> None:
        """Leave the mean gradient in `parameters`."""
        owners = [i for i, p in enumerate(people) for _ in p.texts]
        windows = self._tokenizer.windows([t for p in people for t in p.texts])
        whose = np.array([owners[w.text_index] for w in windows])
        share = torch.from_numpy(1 / (np.bincount(whose)[whose] * len(people))).float()
        labels = torch.tensor([people[i].label for i in whose.tolist()])
        for places, batch in batches_by_length(windows, BATCH_WINDOWS):
            rows = torch.as_tensor(places)
            feed: dict[str, Any] = {name: torch.from_numpy(a) for name, a in batch.feed().items()}
            losses = nn.functional.cross_entropy(self._classifier(**feed), labels[rows], reduction="none")
            torch.autograd.backward((losses * share[rows]).sum())


def _in_turns(sides: Sides, rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(WARM_UP + rounds):
        for side, step in sides.items():
            began = time.perf_counter()
            step()
            if number >= WARM_UP:
                times[side].append(1000 * (time.perf_counter() - began))
    return times

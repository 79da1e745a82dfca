"""A worker that times private steps beside plain ones, on synthetic patients, and returns only times.

The plain steps live here and nowhere else: non-private training is not offered, and nothing that was
learnt here leaves the process. All sides take the same patients in every round, in turns. A side is named
SCOPE/HOW: `plain`, `private`, `ghost`, `hooks`, `notes` (each note clipped as a patient), `noise` (nothing
but the noise of a step); SCOPE/HOW/DEVICE is on that one, else on the job's.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ml.errors import TrainingRefused
from ml.frames import read_frame, write_frame
from ml.inference.version_loading import merged_tensors
from ml.privacy.csprng import SecureRandom
from ml.registry.tensor_file import read_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.book_keeping import patient_losses
from ml.training.classifier import Classifier, build_classifier, encode_texts
from ml.training.devices import CUDA, device_of, sent, tokens_at_once, training_device
from ml.training.dp_encoder import EncoderTrainer
from ml.training.dp_head import (
    HeadState,
    PatientFeatures,
    StepSettings,
    adam_update,
    factors,
    private_step,
    with_frozen,
)
from ml.training.encoder_learner import read_patients
from ml.training.messages import TrainingJob, TrainingPatient, decode_start
from ml.training.networks import Network
from ml.training.patient_batches import Patient, micro_batches
from ml.training.peak_memory import forget_peak, peak_bytes
from ml.training.released_sums import step_noise
from ml.training.scopes import HEAD, scope_named

WARM_UP = 1
PLAIN_TOKENS = 1 << 14  # at once: a card is slower with more, where no patients' own gradients are had
BACKENDS = {"private": "book-keeping", "notes": "book-keeping", "ghost": "ghost", "hooks": "hooks"}
Step = Callable[[], None]


def main() -> int:
    """One job and its `sides` on stdin, one frame of times on stdout; `steps` of the job are the rounds."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    frame = read_frame(sys.stdin.buffer)
    if frame is None:
        return 1
    job, patients = decode_start(frame)
    times, peak = time_steps(job, patients, list(frame["sides"]))
    write_frame(out, {"kind": "times", "times": times, "peak_bytes": peak})
    return 0


def time_steps(
    job: TrainingJob, patients: Sequence[TrainingPatient], sides: Sequence[str]
) -> tuple[dict[str, list[float]], int]:
    """Milliseconds of each round by side, and the bytes that the steps took beyond what was loaded."""
    torch.set_num_threads(job.threads)
    steps = {side: make_side(job, patients, side) for side in sides}
    loaded = forget_peak()
    return _in_turns(steps, job.steps), peak_bytes() - loaded


def make_side(job: TrainingJob, patients: Sequence[TrainingPatient], side: str) -> Step:
    """One step of a side. Raises TrainingRefused for an unknown one."""
    scope, how, device = [*side.split("/"), job.device][:3]
    encoder = find_encoder(Path(job.encoder_dir) if job.encoder_dir else None)
    tensors = merged_tensors(encoder, read_tensors(job.tensors))
    classifier = build_classifier(tensors, job.labels, encoder.config)
    tokenizer = TextTokenizer(encoder.tokenizer_json)
    settings = StepSettings(job.max_grad_norm, job.noise_multiplier, len(patients), job.learning_rate)
    if scope == HEAD:
        return _head_side(classifier, tokenizer, patients, rows=job.declared, settings=settings, how=how)
    what = scope_named(scope)
    what.prepare(classifier, job.declared)
    classifier.to(training_device(device))
    people = read_patients(classifier, tokenizer, patients, what)
    return _encoder_side(what.network(classifier), people, settings, how)


def _encoder_side(network: Network, people: list[Patient], settings: StepSettings, how: str) -> Step:
    random = SecureRandom()
    if how == "plain":
        plain = PlainTrainer(network, learning_rate=settings.learning_rate)
        return lambda: plain.step(people)
    if how == "noise":
        sums = [torch.zeros_like(p) for p in network.parameters() if p.requires_grad]
        return lambda: _noise(sums, random)
    if how not in BACKENDS:
        raise TrainingRefused(f"there is no side {how!r} to time")
    if how == "notes":
        people = [Patient((part,), p.label) for p in people for part in p.parts]
    private = EncoderTrainer(network, backend=BACKENDS[how])
    return lambda: private.step(people, settings=settings, random=random)


def _noise(sums: Sequence[torch.Tensor], random: SecureRandom) -> None:
    with step_noise(sums, random) as noise:
        noise.release(sums, 1.0, divisor=1.0)


def _head_side(
    classifier: Classifier,
    tokenizer: TextTokenizer,
    patients: Sequence[TrainingPatient],
    *,
    rows: Sequence[int],
    settings: StepSettings,
    how: str,
) -> Step:
    """On cached features, as training caches them."""
    weight, bias = classifier.head.weight.detach().numpy(), classifier.head.bias.detach().numpy()
    state, random = HeadState.start(weight, bias, rows), SecureRandom()
    told = [PatientFeatures(encode_texts(classifier, tokenizer, p.texts), p.label) for p in patients]
    people = with_frozen(state, told)
    if how == "plain":
        return lambda: adam_update(state, plain_gradient(state, people), settings)
    return lambda: private_step(state, people, settings=settings, random=random)


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


class PlainTrainer:
    """Any scope as anyone would train it: the mean loss over the patients, windows by length, AdamW."""

    def __init__(self, network: Network, *, learning_rate: float):
        self._network = network
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self._optimizer = torch.optim.AdamW(self.parameters, lr=learning_rate, weight_decay=0.0)

    def step(self, people: Sequence[Patient]) -> None:
        """One step on all of them."""
        self.backward(people)
        self._optimizer.step()
        self._optimizer.zero_grad()

    def backward(self, people: Sequence[Patient]) -> None:
        """Leave the mean gradient in `parameters`."""
        windows = [Patient((part,), p.label) for p in people for part in p.parts]
        shares = {
            id(part): 1 / (len(p.parts) * len(people)) for p in people for part in p.parts
        }  # by identity: each part is one object throughout
        device = device_of(self._network)
        for batch in micro_batches(windows, min(PLAIN_TOKENS, tokens_at_once(self._network))):
            share = sent(torch.tensor([shares[id(w.parts[0])] for w in batch]), device)
            torch.autograd.backward((patient_losses(self._network, batch) * share).sum())


def _in_turns(sides: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(WARM_UP + rounds):
        for side, step in sides.items():
            began = time.perf_counter()
            step()
            if side.endswith(CUDA):
                torch.cuda.synchronize()  # a step returns before the card has done it
            if number >= WARM_UP:
                times[side].append(1000 * (time.perf_counter() - began))
    return times

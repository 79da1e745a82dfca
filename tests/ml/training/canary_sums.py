"""A stronger auditor, who reads the released sums: for what keeps too little of a canary to show in a loss.

He knows each canary's clipped gradient at the parameters of each step, as anybody can compute who holds the
canaries. A released sum is linear in who was there, so the sums of all steps are solved for it: by least
squares, drawn to an even coin as far as the noise asks for it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch

from ml.privacy.csprng import SecureRandom
from ml.text.tokenizer import Window
from ml.training.clipping import Clipping
from ml.training.dp_encoder import EncoderTrainer
from ml.training.dp_head import StepSettings
from ml.training.masked_words import Decoder, MaskedWordsNetwork, Masking
from ml.training.networks import Network
from ml.training.patient_batches import Patient
from ml.training.scopes import SCOPES
from tests.ml.training.canary_audit import CANARIES, coins, proven_epsilon, right_guesses
from tests.ml.training.test_canary_audit import ROWS, WORDS, Audited, audited_classifier, written_canaries

MLM, MASK_ID = "mlm", 1
SOLVED = {"prefix": Audited(1.0, noise=3.0, steps=2), MLM: Audited(1.0, noise=3.0, steps=2)}
CLIPS = {"prefix": 0.005, MLM: 0.5}  # below every canary's own length, so that each counts in full
ROUNDING = 0.01  # of a sum in single precision, in clipped gradients
Doubles = npt.NDArray[np.float64]
ReadAt = Callable[[int], list[Patient]]


class Overheard(EncoderTrainer):
    """A trainer whose every released sum is kept, as it stands before the division."""

    sums: list[torch.Tensor]

    def descend(self, settings: StepSettings) -> None:
        released = torch.cat([p.grad.flatten() for p in self.parameters if p.grad is not None])
        self.sums = [*getattr(self, "sums", []), released.double() * settings.expected_batch]
        super().descend(settings)


def proven_of_sums(name: str, noise: float, seed: int = 11) -> float:
    """Train a scope, or `mlm` by the scope lora, on canaries that a coin chose; what the auditor proves."""
    audited = SOLVED[name]
    network, read_at = _mlm(audited, seed) if name == MLM else _diagnosis(name, audited, seed)
    trainer, included = Overheard(network, optimizer="sgd"), coins(seed + 1)
    settings = StepSettings(CLIPS[name], noise, CANARIES / 2, audited.rate)
    squared, told = np.zeros((CANARIES, CANARIES)), np.zeros(CANARIES)
    for step in range(audited.steps):
        people, random = read_at(step), SecureRandom()
        own = gradients_of(trainer, people, Clipping(settings.max_grad_norm))
        drawn = [person for person, coin in zip(people, included, strict=True) if coin]
        trainer.step(drawn, settings=settings, random=random)
        squared += own @ own.T
        told += own @ (trainer.sums[-1].numpy() - own.sum(axis=0) / 2)
    trainer.close()
    held = 4 * (max(noise, ROUNDING) * settings.max_grad_norm) ** 2  # the noise's variance over a coin's
    scores = np.linalg.solve(squared + held * np.eye(CANARIES), told)
    return proven_epsilon(right_guesses(scores, included))


def gradients_of(trainer: EncoderTrainer, people: list[Patient], clipping: Clipping) -> Doubles:
    """Each canary's clipped gradient as the parameters stand, (canaries, parameters)."""
    alone = (trainer.gradients.clipped_sum([person], clipping) for person in people)
    return np.stack([torch.cat([g.flatten() for g in sums]).double().numpy() for sums in alone])


def _diagnosis(scope: str, audited: Audited, seed: int) -> tuple[Network, ReadAt]:
    classifier = audited_classifier(audited)
    SCOPES[scope].prepare(classifier, range(ROWS))
    people = written_canaries(classifier, scope, seed, length=audited.length)
    return SCOPES[scope].network(classifier), lambda _step: people


def _mlm(audited: Audited, seed: int) -> tuple[Network, ReadAt]:
    classifier = audited_classifier(audited)
    decoder = Decoder(classifier.encoder.embeddings.word_embeddings.weight)
    SCOPES["lora"].prepare(classifier, range(ROWS))
    masking = Masking(MASK_ID, WORDS)
    people = [_open(p) for p in written_canaries(classifier, "lora", seed, length=audited.length)]
    return MaskedWordsNetwork(classifier, decoder), lambda step: masking.masked_patients(people, step)


def _open(person: Patient) -> Patient:
    """Her words may be hidden: they have places in a text."""
    window = cast(Window, person.parts[0])
    places = tuple((i, i + 1) for i in range(len(window.ids) - 2))
    return replace(person, parts=(replace(window, offsets=((0, 0), *places, (0, 0))),))

"""One run on a thousand synthetic canaries: what an auditor can prove stays below what was claimed.

The same auditor (`canary_audit`) convicts a run without noise, or the audit would say nothing. Canaries are
random features for the head, random words for the encoder; their diseases are coins, so only memory tells
who was there. Everybody who is in is drawn in each step, so that the auditor sees as much as there is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ml.privacy.csprng import SecureRandom
from ml.privacy.ledger import epsilon_bound
from ml.privacy.loss_distribution import least_epsilon
from ml.text.tokenizer import Window
from ml.training.book_keeping import patient_losses
from ml.training.classifier import Classifier
from ml.training.directions import Frame, row_sums
from ml.training.dp_encoder import EncoderTrainer
from ml.training.dp_head import HeadState, PatientFeatures, StepSettings, private_step, with_frozen
from ml.training.looks import Looks
from ml.training.networks import Network, TopNetwork, frozen_states
from ml.training.patient_batches import Patient
from ml.training.scopes import SCOPES
from tests.ml.tiny_model import CONFIG
from tests.ml.training.canary_audit import CANARIES, DELTA, GUESSES, coins, proven_epsilon, right_guesses

pytestmark = pytest.mark.slow
HIDDEN, ROWS, STEPS = 6144, 2, 6
ALONG = 3072
WORDS = 4000
LONGER = ("adalora",)  # by `python -m tests.ml.training.canary_scopes`
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Audited:
    """How a scope is audited: on how large an encoder, how long, and with which noise."""

    rate: float
    noise: float = 40.0
    steps: int = 40
    hidden: int = 128
    layers: int = 2
    length: int = 8

    @property
    def config(self) -> dict[str, object]:
        size = {"hidden_size": self.hidden, "intermediate_size": 2 * self.hidden}
        return (
            CONFIG
            | size
            | {
                "vocab_size": WORDS,
                "num_hidden_layers": self.layers,
                "initializer_range": 0.3,
            }
        )

    @property
    def spent(self) -> list[tuple[float, float, int]]:
        return [(self.noise, 1.0, self.steps)]


AUDITED = {
    "lora": Audited(1.0),
    "bitfit": Audited(2.0),
    "top": Audited(1.0),
    "adalora": Audited(1.0, steps=25),
    "adapter": Audited(2.0, steps=25),
    "full": Audited(2.0, steps=15, hidden=64, layers=1, length=6),
}
IN_SUITE = [scope for scope in AUDITED if scope not in LONGER]


def proven_of_the_head(noise: float, seed: int = 11) -> float:
    """Train a head on the canaries that a coin chose; what the auditor proves."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(CANARIES, 1, HIDDEN)).astype(np.float32)
    labels = rng.integers(ROWS, size=CANARIES).tolist()
    people = [PatientFeatures(f, label) for f, label in zip(features, labels, strict=True)]
    state = HeadState.start(np.zeros((ROWS, HIDDEN), np.float32), np.zeros(ROWS, np.float32), range(ROWS))
    included, random, told = coins(seed + 1), SecureRandom(), with_frozen(state, people)
    drawn = [person for person, coin in zip(told, included, strict=True) if coin]
    for _ in range(STEPS):
        settings = StepSettings(1.0, noise, CANARIES / 2, 0.01)
        private_step(state, drawn, settings=settings, random=random)
    logits = features[:, 0] @ state.weights[:, :-1].T
    return proven_epsilon(right_guesses(_margins(logits, labels), included))


def proven_of_directions(noise: float, seed: int = 11) -> float:
    """Add up the directions of canaries that a coin chose; the auditor reads the sums that are released."""
    rng = np.random.default_rng(seed)
    notes = rng.normal(size=(CANARIES, 1, ALONG)).astype(np.float32)
    labels = rng.integers(ROWS, size=CANARIES).tolist()
    people = [PatientFeatures(note, label) for note, label in zip(notes, labels, strict=True)]
    state = HeadState.start(np.zeros((ROWS, ALONG), np.float32), np.zeros(ROWS, np.float32), range(ROWS))
    included, random, settings = coins(seed + 1), SecureRandom(), StepSettings(1.0, noise, CANARIES / 2, 0.0)
    looks, frame = Looks("directions", ROWS * (ALONG + 1), STEPS), Frame(np.eye(ALONG), np.zeros(ALONG))
    drawn = [person for person, coin in zip(people, included, strict=True) if coin]
    while not looks.complete():
        total = row_sums(state, frame, drawn, settings).ravel()
        looks.add(total, settings=settings, random=random)
    scores = notes[:, 0] @ looks.mean().reshape(ROWS, -1)[:, :-1].T
    return proven_epsilon(right_guesses(_margins(scores, labels), included))


def _margins(logits: Floats, labels: list[int]) -> Floats:
    own = logits[np.arange(CANARIES), labels]
    return np.asarray(2 * own - logits.sum(axis=1))


def proven_of_an_encoder(scope: str, noise: float, seed: int = 11) -> float:
    """Train a scope of a small encoder on them; the auditor knows how far each canary's margin moved."""
    audited = AUDITED[scope]
    classifier = audited_classifier(audited)
    SCOPES[scope].prepare(classifier, range(ROWS))
    if scope == "lora":  # away from its start, where half of it is zero
        with torch.no_grad():
            for parameter in classifier.parameters():
                if parameter.requires_grad:
                    parameter.add_(0.1 * torch.randn_like(parameter))
    people = written_canaries(classifier, scope, seed, length=audited.length)
    network = SCOPES[scope].network(classifier)
    included, random, before = coins(seed + 1), SecureRandom(), _misfit(network, people)
    make = SCOPES[scope].allocator
    allocator = None if make is None else make(classifier, audited.steps)
    trainer = EncoderTrainer(network, optimizer="sgd", allocator=allocator)
    drawn = [person for person, coin in zip(people, included, strict=True) if coin]
    settings = StepSettings(1.0, noise, CANARIES / 2, audited.rate)
    for _ in range(audited.steps):
        trainer.step(drawn, settings=settings, random=random)
    trainer.close()
    return proven_epsilon(right_guesses(before - _misfit(network, people), included))


def audited_classifier(audited: Audited) -> Classifier:
    """Untrained, of the size that is audited."""
    torch.manual_seed(3)
    classifier = Classifier(audited.config, ["L0", "L1"]).eval()
    torch.nn.init.normal_(classifier.head.weight, std=audited.hidden**-0.5)
    return classifier


def written_canaries(classifier: Classifier, scope: str, seed: int, *, length: int) -> list[Patient]:
    """A window of random words each."""
    rng = np.random.default_rng(seed)
    nowhere = tuple((0, 0) for _ in range(length))
    words = rng.integers(4, WORDS, size=(CANARIES, length - 2)).tolist()
    windows = [Window(i, (2, *own, 3), nowhere) for i, own in enumerate(words)]
    labels = rng.integers(ROWS, size=CANARIES).tolist()
    parts: Sequence[Window | torch.Tensor] = windows
    if SCOPES[scope].network is TopNetwork:
        parts = list(frozen_states(classifier, windows))
    return [Patient((part,), label) for part, label in zip(parts, labels, strict=True)]


def _misfit(network: Network, people: list[Patient]) -> Floats:
    """By how much the loss of each canary's own disease is above that of the other."""
    others = [replace(person, label=1 - person.label) for person in people]
    with torch.no_grad():
        told = [patient_losses(network, whole) for whole in (people, others)]
    return np.asarray((told[0] - told[1]).numpy())


@pytest.mark.parametrize("noise", [1.0, 3.0, 12.0])
def test_what_an_auditor_proves_stays_below_the_claim(noise: float) -> None:
    claim = least_epsilon([(noise, 1.0, STEPS)], DELTA)
    assert proven_of_the_head(noise) <= claim <= epsilon_bound([(noise, 1.0, STEPS)], DELTA)


def test_the_same_auditor_convicts_a_run_without_noise() -> None:
    assert proven_of_the_head(0.0) > epsilon_bound([(3.0, 1.0, STEPS)], DELTA)


@pytest.mark.parametrize("noise", [1.0, 3.0, 12.0])
def test_what_an_auditor_proves_of_directions_stays_below_the_claim(noise: float) -> None:
    assert proven_of_directions(noise) <= least_epsilon([(noise, 1.0, STEPS)], DELTA)


def test_the_same_auditor_convicts_directions_without_noise() -> None:
    assert proven_of_directions(0.0) > epsilon_bound([(3.0, 1.0, STEPS)], DELTA)


@pytest.mark.parametrize("scope", IN_SUITE)
def test_what_an_auditor_proves_of_an_encoder_stays_below_the_claim(scope: str) -> None:
    audited = AUDITED[scope]
    assert proven_of_an_encoder(scope, audited.noise) <= least_epsilon(audited.spent, DELTA)


@pytest.mark.parametrize("scope", IN_SUITE)
def test_the_same_auditor_convicts_an_encoder_trained_without_noise(scope: str) -> None:
    assert proven_of_an_encoder(scope, 0.0) > epsilon_bound(AUDITED[scope].spent, DELTA)


def test_guessing_blindly_proves_nothing_and_guessing_well_proves_much() -> None:
    assert proven_epsilon(GUESSES // 2) == 0.0
    assert 1.0 < proven_epsilon(round(0.85 * GUESSES)) < math.log(0.85 / 0.15)
    assert proven_epsilon(GUESSES) > 3.5

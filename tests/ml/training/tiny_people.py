"""A classifier in miniature for each scope, a few patients, and the slow, obvious clipped sum."""

import math
from collections.abc import Sequence

import torch

from ml.text.tokenizer import TextTokenizer
from ml.training.book_keeping import patient_losses
from ml.training.classifier import Classifier
from ml.training.encoder_learner import read_patients
from ml.training.messages import TrainingPatient
from ml.training.networks import Network
from ml.training.patient_batches import Patient
from ml.training.scopes import SCOPES
from tests.ml.tiny_model import CONFIG, tokenizer_json

SMALL = CONFIG | {"hidden_size": 8, "intermediate_size": 12, "max_position_embeddings": 40}
ROWS, CLIP = (0, 2), 0.3
NOTES = (
    ("seizure fever", "no weak arm leg"),
    ("arm",),
    ("fever weak no no no . short",),
    ("leg . arm", "seizure"),
)


def tiny(
    scope: str, *, labels: int = 3, rows: Sequence[int] = ROWS
) -> tuple[Classifier, Network, list[Patient]]:
    """A classifier prepared for a scope, away from its start, and the patients as it reads them."""
    torch.manual_seed(1)
    classifier = Classifier(SMALL, [f"L{i}" for i in range(labels)]).eval()
    SCOPES[scope].prepare(classifier, rows)
    with torch.no_grad():
        for parameter in classifier.parameters():
            if parameter.requires_grad:
                parameter.add_(0.2 * torch.randn_like(parameter))
    people = read_people(classifier, scope, NOTES)
    return classifier, SCOPES[scope].network(classifier), people


def read_people(classifier: Classifier, scope: str, notes: Sequence[tuple[str, ...]]) -> list[Patient]:
    """Patients with these notes, as a scope reads them."""
    told = [TrainingPatient(i, texts, ROWS[i % len(ROWS)]) for i, texts in enumerate(notes)]
    tokenizer = TextTokenizer(tokenizer_json(), max_tokens=32, overlap=4)
    return read_patients(classifier, tokenizer, told, SCOPES[scope])


def one_by_one(network: Network, people: Sequence[Patient], clip: float = CLIP) -> list[torch.Tensor]:
    """Micro-batches of one patient by plain autograd, each clipped as it stands."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    total = [torch.zeros_like(p) for p in parameters]
    for person in people:
        own = own_gradient(network, person, parameters)
        length = sum(float(g.double().square().sum()) for g in own) ** 0.5
        for summed, gradient in zip(total, own, strict=True):
            summed += gradient * min(1.0, clip / max(length, 1e-12))
    return total


def own_gradient(
    network: Network, person: Patient, parameters: list[torch.nn.Parameter]
) -> list[torch.Tensor]:
    """One patient's gradient, unclipped."""
    found = torch.autograd.grad(
        patient_losses(network, [person], packed=False).sum(), parameters, allow_unused=True
    )
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]


def largest_difference(left: Sequence[torch.Tensor], right: Sequence[torch.Tensor]) -> float:
    """Over all coordinates."""
    return max(float((a - b).abs().max()) for a, b in zip(left, right, strict=True))


def distance(left: Sequence[torch.Tensor], right: Sequence[torch.Tensor]) -> float:
    """The length of the difference of two sums."""
    return math.sqrt(sum(float((a - b).double().square().sum()) for a, b in zip(left, right, strict=True)))

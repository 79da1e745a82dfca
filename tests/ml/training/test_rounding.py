"""What single precision lets a patient move stays under what the noise is wider for."""

import numpy as np
import pytest
import torch
from scipy.stats import binom

from ml.inference.version_loading import version_tensors
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.book_keeping import BookKeeping
from ml.training.classifier import build_classifier
from ml.training.clipping import Clipping
from ml.training.encoder_learner import read_patients
from ml.training.messages import TrainingPatient
from ml.training.networks import Network
from ml.training.patient_batches import Patient
from ml.training.rounding import ANOTHERS, OWN, most_drawn, wider
from ml.training.scopes import SCOPES

OTHERS, CLIP, LABELS = 20, 1e-2, 20
WORDS = ("fever", "cough", "pain", "rash", "swelling", "stiff", "vomiting", "weak", "arm", "ataxia", "tremor")


@pytest.mark.parametrize("expected", [0.5, 4.0, 60.0, 1_000.0, 20_000.0])
@pytest.mark.parametrize("rate", [0.001, 0.2, 0.9])
def test_more_than_most_drawn_are_as_good_as_never_drawn(expected: float, rate: float) -> None:
    assert binom.sf(most_drawn(expected), round(expected / rate), rate) < 1e-13


def test_the_noise_is_hardly_wider_where_few_are_drawn() -> None:
    assert 1 + OWN < wider(1.0) < wider(100.0) < 1.0005 < wider(4_000.0) < 1.006


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["bitfit", "top"])
def test_whom_she_joins_moves_by_less_than_is_paid_for(scope: str) -> None:
    """With her and without her the others stand in other micro-batches of the real encoder."""
    network, people = _read(scope)
    engine = BookKeeping(network)
    her, others = people[0], people[1:]
    with_her, without, alone = (
        _joined(engine.clipped_sum(drawn, Clipping(CLIP))) for drawn in ([her, *others], others, [her])
    )
    engine.close()
    assert float(alone.norm()) == pytest.approx(CLIP, rel=1e-3)
    assert float((with_her - without - alone).norm()) < ANOTHERS * OTHERS * CLIP


def _read(scope: str) -> tuple[Network, list[Patient]]:
    encoder, content, rng = find_encoder(None), starting_version(), np.random.default_rng(0)
    tensors = version_tensors(content, encoder)
    tensors |= {name: tensors[name][:LABELS] for name in ("head.weight", "head.bias")}
    classifier = build_classifier(tensors, [str(row) for row in range(LABELS)], encoder.config)
    SCOPES[scope].prepare(classifier, range(LABELS))
    told = [
        TrainingPatient(
            i, (" ".join(rng.choice(WORDS, size=rng.integers(15, 90))),), int(rng.integers(LABELS))
        )
        for i in range(OTHERS + 1)
    ]
    read = read_patients(classifier, TextTokenizer(encoder.tokenizer_json), told, SCOPES[scope])
    return SCOPES[scope].network(classifier).eval(), read


def _joined(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])

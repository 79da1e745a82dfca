"""A classifier in miniature that guesses hidden words, and patients as one of its steps reads them."""

import torch

from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import Classifier
from ml.training.encoder_learner import masking_of, own_parts
from ml.training.masked_words import Decoder, MaskedWordsNetwork, Masking
from ml.training.messages import TrainingPatient
from ml.training.patient_batches import Patient
from ml.training.scopes import SCOPES
from tests.ml.tiny_model import WORDS, tokenizer_json
from tests.ml.training.tiny_people import ROWS, SMALL

MASKED_WORDS = (*WORDS, "[MASK]")
NOTES = (
    ("seizure fever arm leg", "no weak arm leg"),
    ("arm leg short fever no no",),
    ("fever weak no no no . short",),
    ("leg . arm fever", "seizure no no no"),
)


def tiny_masked(scope: str, step: int = 0) -> tuple[Classifier, MaskedWordsNetwork, list[Patient]]:
    """Prepared for a scope, away from its start, with the patients masked as at a step."""
    torch.manual_seed(2)
    config = SMALL | {"vocab_size": len(MASKED_WORDS)}
    classifier = Classifier(config, [f"L{i}" for i in range(3)]).eval()
    decoder = Decoder(classifier.encoder.embeddings.word_embeddings.weight)
    SCOPES[scope].prepare(classifier, ROWS)
    with torch.no_grad():
        for parameter in classifier.parameters():
            if parameter.requires_grad:
                parameter.add_(0.2 * torch.randn_like(parameter))
    masking, people = masked_people()
    return classifier, MaskedWordsNetwork(classifier, decoder), masking.masked_patients(people, step)


def masked_people(notes: tuple[tuple[str, ...], ...] = NOTES) -> tuple[Masking, list[Patient]]:
    """How windows are masked, and patients of whom nothing is masked yet."""
    tokenizer = TextTokenizer(tokenizer_json(MASKED_WORDS), max_tokens=32, overlap=4)
    classifier = Classifier(SMALL | {"vocab_size": len(MASKED_WORDS)}, ["L"])
    told = [TrainingPatient(i, texts, -1) for i, texts in enumerate(notes)]
    return masking_of(tokenizer, classifier), own_parts(told, tokenizer.windows)

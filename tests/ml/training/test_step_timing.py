"""The plain side of the timing takes the same step as the private one without clipping and noise."""

from pathlib import Path

import numpy as np
import pytest

from ml.inference.version_loading import merged_tensors
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import Classifier, build_classifier
from ml.training.dp_head import HeadState, PatientFeatures, clipped_sum, with_frozen
from ml.training.dp_lora import LoraTrainer, PatientTexts
from ml.training.step_timing import PlainLora, plain_gradient
from tests.ml.tiny_model import LABELS, head_tensors, tokenizer_json, write_tiny_encoder

NO_CLIP = 1e9


def test_the_plain_head_gradient_is_the_mean_of_the_patients_own() -> None:
    rng = np.random.default_rng(5)
    weight, bias = rng.normal(size=(7, 5)).astype(np.float32), rng.normal(size=7).astype(np.float32)
    state = HeadState.start(weight, bias, [0, 2, 6])
    people = with_frozen(
        state,
        [PatientFeatures(rng.normal(size=(n, 5)).astype(np.float32), y) for n, y in ((1, 2), (4, 0), (3, 5))],
    )
    assert plain_gradient(state, people) == pytest.approx(clipped_sum(state, people, NO_CLIP) / 3, abs=1e-6)


def test_the_plain_lora_gradient_is_the_mean_of_the_patients_own(tmp_path: Path) -> None:
    encoder = write_tiny_encoder(tmp_path)
    tokenizer = TextTokenizer(tokenizer_json())

    def classifier() -> Classifier:
        return build_classifier(merged_tensors(encoder, head_tensors()), LABELS, encoder.config)

    people = [PatientTexts(("seizure and fever", "no fever"), 1), PatientTexts(("weak arm .",), 3)]
    private = LoraTrainer(classifier(), tokenizer)
    plain = PlainLora(classifier(), tokenizer, learning_rate=0.1)
    for ours, theirs in zip(plain.parameters, private.parameters, strict=True):
        ours.data.copy_(theirs.data)
    plain.backward(people)
    for ours, total in zip(plain.parameters, private.clipped_sum(people, NO_CLIP), strict=True):
        assert ours.grad is not None
        assert ours.grad.numpy() == pytest.approx(total.numpy() / 2, abs=1e-6)

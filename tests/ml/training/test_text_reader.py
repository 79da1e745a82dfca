"""A reader's logits are the classifier's own, whether the encoder ran again or not."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ml.inference.version_loading import merged_tensors
from ml.registry.tensor_file import read_tensors, write_tensors
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import TextTokenizer
from ml.training.classifier import build_classifier, encode_texts
from ml.training.text_reader import TextReader
from tests.ml.tiny_job import tiny_job
from tests.ml.tiny_model import LABELS

TEXTS = ("seizure and fever .", "weak arm", "no fever . short leg")


@pytest.mark.parametrize("name", ["head.weight", "encoder.encoder.layer.1.output.dense.bias"])
def test_what_changed_is_read_and_the_start_stays_as_it_was(tmp_path: Path, name: str) -> None:
    job = tiny_job(tmp_path)
    encoder, start = find_encoder(tmp_path), read_tensors(job.tensors)
    reader = TextReader(job, TEXTS)
    before = reader.logits()
    value = merged_tensors(encoder, start)[name]
    changed = {name: (value + np.linspace(-1, 1, value.size).reshape(value.shape)).astype(np.float32)}
    classifier = build_classifier(
        merged_tensors(encoder, read_tensors(job.tensors) | changed), LABELS, encoder.config
    )
    features = encode_texts(classifier, TextTokenizer(encoder.tokenizer_json), TEXTS)
    with torch.inference_mode():
        slow = classifier.head(torch.from_numpy(features)).numpy()
    found = reader.logits(write_tensors(changed))
    assert np.abs(found - slow).max() < 1e-5
    assert np.abs(found - before).max() > 0.01
    assert np.array_equal(reader.logits(), before)

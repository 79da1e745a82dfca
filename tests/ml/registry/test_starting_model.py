"""The shipped starting model is whole, small, and covers every disease without a patient's data."""

from dataclasses import replace
from pathlib import Path

import pytest

import resources
from ml.inference.version_loading import load_predictor, version_onnx
from ml.registry.model_card import card_markdown
from ml.registry.starting_model import FOLDER, README_FILE, starting_version
from ml.registry.training_result import PrivacyClaim
from ml.text.encoder_files import find_encoder


def test_every_byte_is_the_one_the_manifest_names_and_no_privacy_was_spent() -> None:
    version = starting_version().version
    assert version.card.privacy.epsilon == 0
    assert version.card.base_version == ""


def test_it_covers_as_many_diseases_as_its_card_says_each_once() -> None:
    content = starting_version()
    assert len(set(content.labels)) == len(content.labels) == content.version.card.label_count > 12_000


def test_it_is_small_enough_to_ship() -> None:
    assert sum(len(data) for data in starting_version().files.values()) < 6e6


def test_its_page_is_its_card() -> None:
    page = Path(str(resources.__file__)).parent / FOLDER / README_FILE
    assert page.read_text("utf-8") == card_markdown(starting_version().version)


@pytest.mark.slow
def test_it_gives_the_onnx_models_its_card_names() -> None:
    encoder = find_encoder()
    for precision, size in starting_version().version.card.onnx_bytes.items():
        assert len(version_onnx(starting_version(), encoder, precision=precision)) == size


@pytest.mark.slow
def test_it_names_a_disease_from_its_findings() -> None:
    model = load_predictor(starting_version(), find_encoder(), provider="cpu")
    text = "There is arachnodactyly, ectopia lentis, aortic root aneurysm, tall stature and pectus excavatum."
    (row,) = model.log_probabilities([text])
    best = [model.labels[i] for i in row.argsort()[::-1][:20]]
    assert "OMIM:154700" in best  # Marfan syndrome


def test_a_card_counts_steps_only_where_there_were_some() -> None:
    start = starting_version().version
    aggregate = PrivacyClaim(epsilon=3.0, delta=1e-4, mechanism="aggregate of signed updates")
    run = PrivacyClaim(epsilon=3.0, delta=1e-4, mechanism="DP-SGD", noise_multiplier=4.0, steps=40)
    cards = [
        card_markdown(replace(start, card=replace(start.card, privacy=claim))) for claim in (aggregate, run)
    ]
    assert "| Mechanism | aggregate of signed updates |" in cards[0]
    assert "| Mechanism | DP-SGD, 40 steps, noise 4 (of the last run; " in cards[1]

"""Attributions equal what an obvious one-at-a-time reading gives, and point at what the model uses."""

import numpy as np
import pytest

from app.workflows.synthetic_notes import HELD_OUT_STYLES
from app.workflows.write_notes import synthetic_notes
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.explain.occlusion import occlude
from ml.explain.sentences import sentence_spans
from ml.inference.predictor import Predictor
from ml.inference.reading import log_softmax
from ml.inference.version_loading import load_predictor
from ml.registry.starting_model import starting_version
from ml.text.encoder_files import find_encoder
from ml.text.tokenizer import token_batch
from tests.ml.explain.deletion_curve import area_over, faithfulness

NOTE = "Tall stature and arachnodactyly. No seizures.\n\nPlan:\n- eye examination\n- echocardiogram"


@pytest.fixture(scope="module")
def model() -> Predictor:
    return load_predictor(starting_version(), find_encoder(), provider="cpu", threads=1)


def units(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def without(model: Predictor, text: str, start: int, end: int) -> np.ndarray:
    """One window at a time, the slow way: hide the span's tokens, read, average by words left."""
    summed, words = np.zeros(len(model.labels)), 0
    reading = model.reading([text])
    for _ in reading.steps():
        pass
    for place, window in enumerate(reading.windows):
        feed = token_batch([window]).feed()
        gone = [i for i, (a, b) in enumerate(window.offsets) if b > a and a < end and b > start]
        feed["attention_mask"][0, gone] = 0
        left = window.word_count - len(gone)
        summed, words = (
            summed + model.run_batch(feed, reading.doubt_of(place))[0].astype(float) * left,
            words + left,
        )
    return log_softmax(summed / max(words, 1))


def test_sentences_end_at_stops_headings_and_entries_but_not_inside_wrapped_prose() -> None:
    assert units(NOTE) == [
        "Tall stature and arachnodactyly.",
        "No seizures.",
        "Plan:",
        "- eye examination",
        "- echocardiogram",
    ]
    wrapped = "Referred by Dr. Weber for a murmur that was heard at a check-up of\nthe school. Z-score 4.1."
    assert len(units(wrapped)) == 2
    assert units("") == units(" .\n-\n") == []


@pytest.mark.slow
def test_each_part_is_worth_what_hiding_it_alone_changes(model: Predictor) -> None:
    text = NOTE + "\n" + "He was well until the spring of last year. " * 60  # two windows, a part in both
    long_part = (0, len(text) - 40)
    spans = [*sentence_spans(text)[:3], long_part]
    found = occlude(model, text, [[span] for span in spans])
    np.testing.assert_allclose(found.whole, model.log_probabilities([text])[0], atol=1e-5)
    for row, span in zip(found.without, spans, strict=True):
        np.testing.assert_allclose(row, without(model, text, *span), atol=1e-4)
    assert occlude(model, text, []).weights().shape == (0, len(model.labels))


@pytest.mark.slow
def test_a_text_with_every_word_hidden_says_nothing(model: Predictor) -> None:
    found = occlude(model, NOTE, [[(0, len(NOTE))], [(0, 0)]])
    np.testing.assert_allclose(found.without[0], -np.log(len(model.labels)))
    np.testing.assert_array_equal(found.without[1], found.whole)


@pytest.mark.slow
def test_taking_out_the_strongest_first_hurts_more_than_a_random_order(
    model: Predictor, real_graph: CompiledGraph
) -> None:
    rng = np.random.default_rng(5)
    notes = synthetic_notes(real_graph, count=4, styles=HELD_OUT_STYLES, rng=rng)
    pairs = []
    for note in notes:
        label, parts = model.labels.index(note.truths[0]), sentence_spans(note.text)
        pairs.append(faithfulness(model, note.text, parts, label=label, rng=rng))
    by_weight, by_chance = np.mean(pairs, axis=0)
    assert by_weight > 1.5 * max(by_chance, 0.1)


def test_the_area_over_a_curve_is_its_mean_fall() -> None:
    assert area_over(np.array([0.0, -1.0, -3.0])) == 2.0
    assert area_over(np.array([0.0])) == 0.0

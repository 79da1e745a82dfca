"""The fused probability is a probability, and its shares add up to it."""

import numpy as np
import pytest

from knowledge_graph.fusion.fused_differential import FusionWeights, fuse

WEIGHTS = FusionWeights(graph=0.5, text=0.25, prior=1.0, abstain_below=0.3)
PRIOR = np.array([1.0, 1.0, 2.0])


def test_it_equals_the_product_written_out() -> None:
    graph, text = np.array([2.0, 0.0, -1.0]), np.log([0.2, 0.5, 0.3])
    fused = fuse(graph, text, prior=PRIOR, weights=WEIGHTS)
    slow = [np.exp(g) ** 0.5 * np.exp(t) ** 0.25 * p / 4 for g, t, p in zip(graph, text, PRIOR, strict=True)]
    assert fused.probability == pytest.approx(np.array(slow) / sum(slow))


def test_the_shares_add_up_to_the_log_probability() -> None:
    fused = fuse(np.array([900.0, 3.0, -2.0]), np.log([0.2, 0.5, 0.3]), prior=PRIOR, weights=WEIGHTS)
    parts = fused.graph_share + fused.text_share + fused.prior_share - fused.log_normaliser
    assert np.exp(parts) == pytest.approx(fused.probability)
    assert fused.probability.sum() == pytest.approx(1.0)


def test_a_missing_modality_has_no_share() -> None:
    fused = fuse(np.array([2.0, 0.0, 0.0]), None, prior=PRIOR, weights=WEIGHTS)
    assert not fused.text_share.any()
    assert fused.best(1).tolist() == [0]


def test_a_disease_the_text_model_does_not_know_is_neither_favoured_nor_punished() -> None:
    fused = fuse(None, np.array([-1.0, np.nan, -3.0]), prior=np.ones(3), weights=WEIGHTS)
    assert fused.text_share[1] == pytest.approx(0.25 * -2.0)


def test_without_evidence_it_abstains() -> None:
    assert fuse(None, None, prior=np.ones(2), weights=WEIGHTS).abstained
    assert fuse(np.zeros(10), None, prior=np.ones(10), weights=WEIGHTS).abstained
    assert not fuse(np.array([5.0, 0.0]), None, prior=np.ones(2), weights=WEIGHTS).abstained


def test_the_ids_of_one_disease_are_shown_as_one_line() -> None:
    text = np.log([0.3, 0.3, 0.4])
    even = FusionWeights(graph=1.0, text=1.0, prior=1.0, abstain_below=0.5)
    fused = fuse(None, text, prior=np.ones(3), weights=even, shown_as=np.array([0, 0, 2]))
    assert fused.shown == pytest.approx([0.6, 0.0, 0.4])
    assert fused.probability == pytest.approx([0.3, 0.3, 0.4])
    assert fused.best(2).tolist() == [0, 2]
    assert not fused.abstained
    assert fuse(None, text, prior=np.ones(3), weights=even).abstained


def test_the_shipped_weights_load() -> None:
    assert 0 < FusionWeights.load().graph < 1

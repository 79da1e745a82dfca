"""The fused probability is a probability, its shares add up to it, its weights are those of what there is."""

from dataclasses import replace

import numpy as np
import pytest

from knowledge_graph.fusion.fused_differential import fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights, Told
from knowledge_graph.terms.occurrence import Setting

WEIGHTS = FusionWeights(
    graph_alone=0.4,
    text_alone=0.9,
    graph=0.5,
    text=0.25,
    damping=1.0,
    text_unread=0.1,
    prior=1.0,
    abstain_below=0.3,
)
PRIOR = np.array([1.0, 1.0, 2.0])
TEN = 10 / 11.5 / 2  # what ten findings leave of the weight, at a damping of 1


def test_it_equals_the_product_written_out() -> None:
    graph, text = np.array([2.0, 0.0, -1.0]), np.log([0.2, 0.5, 0.3])
    fused = fuse(graph, text, observed=10, prior=PRIOR, weights=WEIGHTS)
    slow = [
        np.exp(g) ** (0.5 * TEN) * np.exp(t) ** 0.25 * p / 4
        for g, t, p in zip(graph, text, PRIOR, strict=True)
    ]
    assert fused.probability == pytest.approx(np.array(slow) / sum(slow))
    assert fused.graph_weight == pytest.approx(0.5 * TEN)


def test_the_shares_add_up_to_the_log_probability() -> None:
    graph, text = np.array([900.0, 3.0, -2.0]), np.log([0.2, 0.5, 0.3])
    fused = fuse(graph, text, observed=3, prior=PRIOR, weights=WEIGHTS)
    parts = fused.graph_share + fused.text_share + fused.prior_share - fused.log_normaliser
    assert np.exp(parts) == pytest.approx(fused.probability)
    assert fused.probability.sum() == pytest.approx(1.0)


def test_a_missing_modality_has_no_share_and_the_other_its_own_weight() -> None:
    graph, text = np.array([4.0, 0.0, 0.0]), np.log([0.2, 0.5, 0.3])
    alone = fuse(graph, None, observed=10, prior=PRIOR, weights=WEIGHTS)
    assert not alone.text_share.any()
    assert alone.graph_share[0] == pytest.approx(4.0 * 0.4 * TEN)
    assert alone.best(1).tolist() == [0]
    assert fuse(None, text, observed=2, prior=PRIOR, weights=WEIGHTS).text_share == pytest.approx(0.9 * text)


def test_a_first_finding_and_many_that_repeat_each_other_count_less_each() -> None:
    graph = np.array([2.0, 0.0, 0.0])
    one, few, many = (fuse(graph, None, observed=n, prior=PRIOR, weights=WEIGHTS) for n in (1, 6, 80))
    assert 0 < one.graph_weight < few.graph_weight < WEIGHTS.graph_alone
    assert 0 < many.graph_weight < few.graph_weight


def test_a_disease_the_text_model_does_not_know_is_neither_favoured_nor_punished() -> None:
    fused = fuse(None, np.array([-1.0, np.nan, -3.0]), observed=1, prior=np.ones(3), weights=WEIGHTS)
    assert fused.text_share[1] == pytest.approx(0.9 * -np.log(2))  # an even chance among the two known


def test_without_evidence_it_abstains() -> None:
    assert fuse(None, None, observed=0, prior=np.ones(2), weights=WEIGHTS).abstained
    assert fuse(np.zeros(10), None, observed=1, prior=np.ones(10), weights=WEIGHTS).abstained
    assert not fuse(np.array([9.0, 0.0]), None, observed=4, prior=np.ones(2), weights=WEIGHTS).abstained


def test_the_ids_of_one_disease_are_shown_as_one_line() -> None:
    text = np.log([0.3, 0.3, 0.4])
    even = replace(WEIGHTS, text_alone=1.0, abstain_below=0.5)
    fused = fuse(
        None, text, observed=1, prior=np.ones(3), weights=even, shown_as=np.array([0, 0, 2], dtype=np.intp)
    )
    assert fused.shown == pytest.approx([0.6, 0.0, 0.4])
    assert fused.probability == pytest.approx([0.3, 0.3, 0.4])
    assert fused.best(2).tolist() == [0, 2]
    assert not fused.abstained
    assert fuse(None, text, observed=1, prior=np.ones(3), weights=even).abstained


def test_a_text_in_which_no_finding_was_read_puts_nothing_forward() -> None:
    sure = fuse(None, np.log([0.999, 0.001]), observed=0, prior=np.ones(2), weights=WEIGHTS)
    assert sure.abstained
    assert sure.text_share == pytest.approx(0.1 * np.log([0.999, 0.001]))


def test_the_shipped_weights_load_and_an_edited_file_does_not() -> None:
    weights = FusionWeights.load()
    assert 0 < weights.graph < 1
    text = weights.to_text("made by hand\nfor a test")
    assert FusionWeights.of_text(text) == weights
    with pytest.raises(ValueError, match="rebuild"):
        FusionWeights.of_text(text.replace("damping = ", "damping = 1"))


def test_a_power_below_one_flattens_all_but_the_rules_and_keeps_the_order() -> None:
    graph, text = np.array([9.0, 3.0, -2.0]), np.log([0.2, 0.5, 0.3])
    rules = np.array([0.0, 0.0, -5.0])
    plain, flat = (
        fuse(graph, text, observed=3, prior=PRIOR, weights=WEIGHTS, rule_share=rules, sureness=k)
        for k in (1.0, 0.5)
    )
    assert flat.best(3).tolist() == plain.best(3).tolist()
    assert flat.shown.max() < plain.shown.max()
    for name in ("graph_share", "text_share", "prior_share", "graph_weight", "prior_of_unstated"):
        assert getattr(flat, name) == pytest.approx(0.5 * getattr(plain, name))
    assert flat.rule_share == pytest.approx(rules)
    parts = flat.graph_share + flat.text_share + flat.prior_share + flat.rule_share - flat.log_normaliser
    assert np.exp(parts) == pytest.approx(flat.probability)


def test_only_messages_are_doubted_in_the_clinic_and_notes_too_where_common_diseases_count() -> None:
    weights = replace(WEIGHTS, message=0.9, common_note=0.8, common_message=0.6)
    clinic = [weights.sureness(Setting.RARE_DISEASE_CLINIC, told) for told in Told]
    assert clinic == [1.0, 1.0, 0.9]
    for setting in (Setting.PRIMARY_CARE, Setting.EMERGENCY):
        assert [weights.sureness(setting, told) for told in Told] == [1.0, 0.8, 0.6]

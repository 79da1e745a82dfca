"""The learned fusion is calibrated on cases whose truth was drawn from known probabilities."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from knowledge_graph.fusion.fusion_fitting import (
    FusionCases,
    PooledCases,
    Weighing,
    brier,
    fit_fusion,
    fit_sureness,
    raised,
)

DISEASES, CASES = 20, 1500
GRAPH, TEXT, DAMPING = 0.4, 0.6, 0.5
ALONE = np.arange(DISEASES)
TWINS = np.where(ALONE % 5 == 1, ALONE - 1, ALONE)  # 1 is shown as 0, 6 as 5, ...


def drawn(rng: np.random.Generator, *, graph: float, text: float, cases: int = CASES) -> FusionCases:
    """Cases whose disease follows the softmax that the fusion assumes."""
    scores = rng.normal(0, 6, (cases, DISEASES)).astype(np.float32)
    told = rng.normal(0, 3, (cases, DISEASES)).astype(np.float32)
    observed = rng.integers(1, 40, cases)
    weight = observed / (observed + 1.5) * (1 + observed / 10) ** -DAMPING
    z = graph * weight[:, None] * scores + text * told
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(DISEASES, p=row) for row in p])
    return FusionCases(scores, told, observed, truth, ["public"] * cases, ALONE)


def test_the_weights_that_made_the_cases_are_found_again() -> None:
    rng = np.random.default_rng(1)
    findings, notes = drawn(rng, graph=GRAPH, text=0.0), drawn(rng, graph=GRAPH, text=TEXT)
    fitted = fit_fusion(findings, notes)
    assert fitted.graph_alone == pytest.approx(GRAPH, abs=0.08)
    assert fitted.damping == pytest.approx(DAMPING, abs=0.2)
    assert (fitted.graph, fitted.text) == pytest.approx((GRAPH, TEXT), abs=0.12)
    assert 0 < fitted.text_alone < fitted.text + 0.1


def test_a_source_that_counts_more_draws_the_weights_to_its_own() -> None:
    rng = np.random.default_rng(4)
    low, high = drawn(rng, graph=0.2, text=0.0, cases=400), drawn(rng, graph=0.8, text=0.0, cases=400)
    both = FusionCases(
        graph=np.concatenate([low.graph, high.graph]),
        text=np.concatenate([low.text, high.text]),
        observed=np.concatenate([low.observed, high.observed]),
        truth=np.concatenate([low.truth, high.truth]),
        sources=["low"] * 400 + ["high"] * 400,
        shown_as=ALONE,
    )
    alike, weighed = (
        fit_fusion(cases, cases).graph for cases in (both, replace(both, importance={"low": 4.0}))
    )
    assert 0.2 < weighed < alike - 0.05


@pytest.mark.parametrize("shown_as", [ALONE, TWINS])
def test_the_slope_is_that_of_the_loss(shown_as: np.ndarray[Any, Any]) -> None:
    cases = replace(drawn(np.random.default_rng(2), graph=GRAPH, text=TEXT, cases=40), shown_as=shown_as)
    voices, at, step = np.full(40, 1 / 40), np.array([0.3, 0.5, 0.4]), 1e-3
    _, slope = brier(cases, slice(0, 40), Weighing(*at), voices)
    for place in range(3):
        up, down = at.copy(), at.copy()
        up[place] += step
        down[place] -= step
        values = [brier(cases, slice(0, 40), Weighing(*x), voices)[0] for x in (up, down)]
        assert slope[place] == pytest.approx((values[0] - values[1]) / (2 * step), abs=2e-3)


def test_a_small_source_weighs_as_much_as_a_large_one() -> None:
    rng = np.random.default_rng(3)
    large, small = drawn(rng, graph=0.2, text=0.0, cases=400), drawn(rng, graph=0.8, text=0.0, cases=80)
    joined = FusionCases(
        graph=np.concatenate([large.graph, small.graph]),
        text=np.concatenate([large.text, small.text]),
        observed=np.concatenate([large.observed, small.observed]),
        truth=np.concatenate([large.truth, small.truth]),
        sources=["large"] * 400 + ["small"] * 80,
        shown_as=ALONE,
    )
    told = [fit_fusion(cases, cases).graph_alone for cases in (large, joined, small)]
    assert told[0] < told[1] < told[2]
    assert told[1] - told[0] > 0.05


def test_what_either_id_of_a_disease_is_given_counts_for_it() -> None:
    scores = np.zeros((1, 3), np.float32)
    shown_as, one = np.array([0, 0, 2]), np.ones(1)
    cases = FusionCases(scores, scores, np.array([1]), np.array([1]), ["one"], shown_as)
    loss, _ = brier(cases, slice(0, 1), Weighing(1.0), one)
    assert loss == pytest.approx((2 / 3 - 1) ** 2 + (1 / 3) ** 2)


@pytest.mark.parametrize(("power", "found"), [(0.6, 0.6), (1.5, 1.0)])
def test_the_power_that_made_the_cases_is_found_again_but_never_more_than_one(
    power: float, found: float
) -> None:
    rng = np.random.default_rng(7)
    summed = rng.normal(0, 3, (CASES, DISEASES)).astype(np.float32)
    truth = np.array([rng.choice(DISEASES, p=raised(row, power, ALONE)) for row in summed])
    assert fit_sureness(PooledCases(summed, truth, ["public"] * CASES, ALONE)) == pytest.approx(
        found, abs=0.06
    )


def test_probabilities_of_one_disease_stand_together_under_a_power() -> None:
    shown = raised(np.zeros(DISEASES, np.float32), 0.5, TWINS)
    assert shown[0] == pytest.approx(2 / DISEASES)
    assert shown[1] == 0
    assert shown.sum() == pytest.approx(1)

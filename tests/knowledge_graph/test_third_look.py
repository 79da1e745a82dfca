"""The third look moves the first ten alone, by what it has learned, and learns from what no tree has seen."""

from typing import Any

import numpy as np
import pytest

from knowledge_graph.graph.arrays import Floats
from knowledge_graph.ranking import looks_fitting, rerank_fitting, third_look_fitting
from knowledge_graph.ranking.boosted_trees import BoostedTrees
from knowledge_graph.ranking.candidate_features import FEATURES
from knowledge_graph.ranking.looks_fitting import Taught
from knowledge_graph.ranking.rerank_fitting import LookedAt
from knowledge_graph.ranking.third_look import TEN, TOLD, ThirdLook, standard, weighed
from knowledge_graph.ranking.third_look_fitting import Ten, first_ten, fit_third_look


def a_look(rng: np.random.Generator, width: int = len(TOLD)) -> ThirdLook:
    shapes = ((1 + width, 5), (5,), (5,), (1 + width,), (1,))
    parts = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    middle, spread = rng.normal(size=1 + width), rng.random(1 + width) + 0.5
    return ThirdLook(middle.astype(np.float32), spread.astype(np.float32), *parts)


def slow_score(look: ThirdLook, nats: float, features: list[float]) -> float:
    shown = [
        min(max((value - middle) / spread, -4.0), 4.0)
        for value, middle, spread in zip(
            [nats, *(features[t] for t in TOLD)], look.middle, look.spread, strict=True
        )
    ]
    units = [
        max(0.0, sum(x * w for x, w in zip(shown, look.hidden[:, unit], strict=True)) + look.bias[unit])
        for unit in range(len(look.bias))
    ]
    past = sum(x * w for x, w in zip(shown, look.straight, strict=True))
    return float(sum(u * w for u, w in zip(units, look.out, strict=True)) + past + look.trust[0] * nats)


def candidates_of(rng: np.random.Generator, count: int) -> tuple[Floats, Floats, Floats]:
    nats, features, fixed = (
        rng.normal(size=count) * 3,
        rng.normal(size=(len(FEATURES), count)) * 4,
        rng.normal(size=count),
    )
    return nats.astype(np.float32), features.astype(np.float32), fixed.astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, TEN, 40])
def test_the_first_ten_stay_the_first_ten_and_the_rest_keeps_its_order(count: int) -> None:
    rng = np.random.default_rng(count)
    look, (nats, features, fixed) = a_look(rng), candidates_of(rng, count)
    before, after = nats + fixed, weighed(look, nats, features, fixed)
    order = np.argsort(-before)
    ten, rest = order[:TEN], order[TEN:]
    assert np.logaddexp.reduce(after[ten]) == pytest.approx(np.logaddexp.reduce(before[ten]), abs=1e-4)
    slow = np.array([slow_score(look, nats[i], features[:, i].tolist()) + fixed[i] for i in ten])
    assert after[ten] - after[ten[0]] == pytest.approx(slow - slow[0], abs=1e-3)
    assert (after[rest] < after[ten].min()).all()
    assert np.ptp(after[rest] - before[rest]) < 1e-4 if len(rest) else count <= TEN


def test_sex_and_age_keep_their_say_among_the_ten() -> None:
    rng = np.random.default_rng(5)
    look, (nats, features, fixed) = a_look(rng), candidates_of(rng, 8)
    more = fixed.copy()
    more[3] -= 2
    plain, less = (weighed(look, nats, features, part) for part in (fixed, more))
    changed = less - plain
    assert changed[3] - np.delete(changed, 3) == pytest.approx(-2, abs=1e-4)


def told(rng: np.random.Generator, count: int) -> list[Ten]:
    """Cases whose trees say nothing; the true one has the most of the first feature among the ten."""
    cases = []
    for number in range(count):
        nats, features, _ = candidates_of(rng, TEN)
        truth = int(features[0].argmax())
        cases.append(Ten(f"OMIM:{number % 40}", nats, features, np.zeros(TEN, np.float32), truth))
    return cases


def test_it_is_not_told_how_well_a_disease_is_described() -> None:
    rng = np.random.default_rng(9)
    look, (nats, features, _) = a_look(rng), candidates_of(rng, TEN)
    other = features.copy()
    other[[FEATURES.index(name) for name in ("documented", "described", "known", "has_gene")]] += 3
    assert look.score(nats, other).tolist() == look.score(nats, features).tolist()


def test_it_learns_what_tells_among_ten() -> None:
    cases = told(np.random.default_rng(1), 500)
    look = fit_third_look(cases[:400])
    first = [look.score(case.nats, case.features).argmax() == case.truth for case in cases[400:]]
    alone = [case.nats.argmax() == case.truth for case in cases[400:]]
    assert np.mean(first) > 0.7 > 0.3 > np.mean(alone)
    again = fit_third_look(cases[:400])
    assert all(np.array_equal(part, again.arrays()[name]) for name, part in look.arrays().items())


def test_the_slopes_are_those_of_the_loss() -> None:
    rng = np.random.default_rng(4)
    parts: list[Any] = [rng.normal(size=size) for size in ((6, TEN, 4), (6, TEN), (6, TEN))]
    shown, nats, fixed = parts  # in twice the precision of what is learned
    voice: Any = rng.random(6)
    truth = rng.integers(TEN, size=6)
    taught = third_look_fitting._Taught(shown, nats, fixed, truth, voice)
    weights: list[Any] = [rng.normal(size=shape) for shape in ((4, 3), 3, 3, 4, 1)]
    heard = rng.random((6, 4)) < 0.7

    def loss() -> float:
        hidden, bias, out, straight, trust = weights
        inputs = shown * heard[:, None]
        z = np.maximum(inputs @ hidden + bias, 0) @ out + inputs @ straight + trust * nats + fixed
        own = z[np.arange(6), truth] - np.logaddexp.reduce(z, axis=1)
        return float(-(voice @ own) / voice.sum() + third_look_fitting.TRUSTED * (trust[0] - 1) ** 2)

    for part, slope in zip(weights, taught.slopes(weights, heard), strict=True):
        for place in np.ndindex(part.shape):
            kept = part[place]
            part[place] = kept + 1e-5
            above = loss()
            part[place] = kept - 1e-5
            below = loss()
            part[place] = kept
            assert slope[place] == pytest.approx((above - below) / 2e-5, abs=1e-5)


def test_several_networks_score_as_their_mean() -> None:
    rng = np.random.default_rng(6)
    looks = [a_look(rng) for _ in range(3)]
    first = looks[0]
    networks = [[look.hidden, look.bias, look.out, look.straight, look.trust] for look in looks]
    joined = third_look_fitting._mean(first.middle, first.spread, networks)
    nats, features, _ = candidates_of(rng, 7)
    alone = [ThirdLook(first.middle, first.spread, *network).score(nats, features) for network in networks]
    assert joined.score(nats, features) == pytest.approx(np.mean(alone, axis=0), abs=1e-4)


def test_a_case_whose_truth_is_not_among_the_ten_teaches_nothing() -> None:
    nats = np.arange(12, dtype=np.float32)
    features, fixed = np.zeros((len(FEATURES), 12), np.float32), np.zeros(12, np.float32)
    assert first_ten("OMIM:1", nats, features, fixed, 1) is None
    assert first_ten("OMIM:1", nats, features, fixed, None) is None
    ten = first_ten("OMIM:1", nats, features, fixed, 2)
    assert ten is not None
    assert (ten.nats[ten.truth], ten.nats.max()) == (2, 11)


def test_inputs_far_from_the_middle_count_as_four_spreads() -> None:
    far, middle, spread = (np.array(row, np.float32) for row in ([[9, -9]], [0, 0], [1, 1]))
    assert standard(far, middle, spread).tolist() == [[4.0, -4.0]]


def test_no_fold_is_seen_by_what_it_is_measured_or_taught_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees that score a fold, for measuring or for the third look, have learned nothing of it or its kin."""
    for setting, least in {"max_iter": 2, "max_bins": 8}.items():  # who taught counts here, not how well
        monkeypatch.setitem(rerank_fitting._SETTINGS, setting, least)
    monkeypatch.setattr(third_look_fitting, "STEPS", 3)
    rng, seen, scored = np.random.default_rng(2), {}, []
    fit, ten = rerank_fitting.fit_reranking, LookedAt.ten

    def remembered(published: list[LookedAt], described: list[LookedAt]) -> BoostedTrees:
        trees = fit(published, described)
        seen[id(trees)] = {look.disease_id for look in (*published, *described)}
        return trees

    def noted(look: LookedAt, trees: BoostedTrees) -> Ten | None:
        scored.append((look.disease_id, seen[id(trees)]))
        return ten(look, trees)

    monkeypatch.setattr(looks_fitting, "fit_reranking", remembered)
    monkeypatch.setattr(LookedAt, "ten", noted)

    def look(disease: str) -> LookedAt:
        features = rng.normal(size=(len(FEATURES), 30)).astype(np.float32)
        return LookedAt(disease, features, np.zeros(30, np.float32), int(features[0].argmax()))

    taught = Taught(
        [(look(f"fold {fold}"), fold) for fold in range(3) for _ in range(20)],
        [(look(f"kin of {fold}"), frozenset({fold})) for fold in range(3) for _ in range(20)],
    )
    for held in range(3):
        scored.clear()
        learned = taught.looks(held)
        assert {disease for disease, _ in scored} == {f"fold {fold}" for fold in range(3) if fold != held}
        for disease, known in [*scored, (f"fold {held}", seen[id(learned.trees)])]:
            assert not known & {disease, f"kin of {disease[-1]}", f"fold {held}", f"kin of {held}"}
    scored.clear()
    whole = taught.looks()
    assert len(seen[id(whole.trees)]) == 6
    assert len(scored) == 60
    assert not any(disease in known for disease, known in scored)

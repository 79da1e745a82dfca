"""The second look agrees with what is worked out by hand, and leaves the rest of the ranking in place."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.namesakes import COUNT, Namesakes, read_namesakes, to_file
from knowledge_graph.graph.portraits import LITTLE
from knowledge_graph.ranking import rerank_fitting
from knowledge_graph.ranking.boosted_trees import BoostedTrees
from knowledge_graph.ranking.candidate_features import (
    FEATURES,
    FROM_BEST,
    LITTLE_EXPECTED,
    UNMET,
    Asked,
    candidate_features,
)
from knowledge_graph.ranking.profile_fit import LIKENESS
from knowledge_graph.ranking.rank import asked_of, first_look, parts_of, rank
from knowledge_graph.ranking.rerank_fitting import RIVALS_OF_MANY, LookedAt, fit_reranking
from knowledge_graph.ranking.reranking import (
    BY_LIKENESS,
    BY_NAMESAKES,
    BY_RATIOS,
    BY_TOTAL,
    LearnedLooks,
    candidates,
    learned_sources,
    second_look,
)
from knowledge_graph.ranking.third_look import TOLD
from knowledge_graph.ranking.third_look_fitting import fit_third_look
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph

FOCAL, FEVER = TermId("HP:0000011"), TermId("HP:0000020")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def asked(graph: CompiledGraph, *findings: Finding) -> Asked:
    parts = parts_of(graph, findings)
    first = first_look(graph, findings, parts, context=np.zeros(len(graph.disease_ids), np.float32))
    return asked_of(graph, first, features=parts.features)


@pytest.mark.slow
def test_features_equal_the_slow_reference(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(8)
    terms = [real_graph.term_ids[t] for t in rng.choice(real_graph.associations.term, 5).tolist()]
    look = asked(real_graph, *(Finding(term) for term in dict.fromkeys(terms)))
    chosen = candidates(real_graph, look)
    found = candidate_features(real_graph, look, chosen)
    omim = [i for i, d in enumerate(chosen.tolist()) if real_graph.disease_ids[d].startswith("OMIM")]
    best = {name: found[FEATURES.index(name)][omim].max() for name in FROM_BEST}
    for place in omim[::60]:
        slow = _slow_features(real_graph, look, int(chosen[place]))
        slow |= {f"{name}_from_best": slow[name] - best[name] for name in FROM_BEST}
        assert found[:, place] == pytest.approx([slow[name] for name in FEATURES], abs=2e-3)


def _slow_features(graph: CompiledGraph, look: Asked, disease: int) -> dict[str, float]:
    twins, same_gene = graph.kinship.twins[disease], graph.kinship.same_gene[disease]
    kin = [*twins, *same_gene]
    named = list(zip(graph.namesakes.others[disease], graph.namesakes.shares[disease], strict=True))
    heard, called = 0.0, 0.0
    for row in look.own:
        own = max(row[disease], np.log(UNMET))
        heard += max([own, *(row[k] for k in kin)])
        called += max(own, np.log(sum(share * np.exp(row[k]) for k, share in named)))
    own = look.own[:, disease].tolist()
    telling = list(zip(own, look.information.tolist(), strict=True))
    coverage, exact, documented, described, _ = look.picture[:5, disease].tolist()
    return {
        "first_look": look.total[disease] - look.fixed[disease],
        "own": sum(own),
        "kin_heard": look.kin[disease],
        "sources_heard": heard,
        "namesakes_heard": called,
        "coverage": coverage,
        "exact": exact,
        "documented": documented,
        "described": described,
        "sources_coverage": max([0.0, *(look.picture[0, k] for k in kin)]),
        "namesakes_coverage": sum(share * look.picture[0, k] for k, share in named),
        "own_softened": sum(max(r, np.log(0.2)) for r in own),
        "own_halved": sum(max(r, np.log(0.5)) for r in own),
        "met": sum(r > 0 for r in own),
        "unmet": sum(r < np.log(0.021) for r in own),
        "information_met": sum(i for r, i in telling if r > 0) / sum(i for _, i in telling),
        "information_unmet": sum(i for r, i in telling if r < np.log(0.021)),
        "has_gene": float(bool(graph.genes[disease])),
        "has_twin": float(len(twins) > 0),
        "same_gene": np.log1p(len(same_gene)),
        "best_three": sum(sorted(own)[-3:]),
        "own_decreasing": sum(r / np.sqrt(1 + i) for i, r in enumerate(sorted(own, reverse=True))),
        "kin_likeness": max([-1.0, *(look.picture[4, k] for k in kin)]),
        "namesakes_likeness": sum(share * look.picture[4, k] for k, share in named),
        "findings": np.log1p(len(own)),
        "information": float(np.mean(look.information)),
        **_slow_portrait(graph, look, disease),
    }


def _slow_portrait(graph: CompiledGraph, look: Asked, disease: int) -> dict[str, float]:
    place = graph.portraits
    terms, frequency = graph.signatures.of_disease(disease)
    known = sum(f * place.of_terms([t])[0] for t, f in zip(terms.tolist(), frequency.tolist(), strict=True))
    expected = place.of_expected(np.array([disease]))[0]
    return {
        "likeness": float(look.picture[4, disease]),
        "known_likeness": known @ look.direction / (np.linalg.norm(known) + LITTLE),
        "expected_likeness": expected @ look.direction / (np.linalg.norm(expected) + LITTLE_EXPECTED),
        "known": np.log1p(np.linalg.norm(known)),
        "expectation": np.linalg.norm(expected),
    }


@pytest.mark.slow
def test_the_candidates_are_those_that_argpartition_names(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(2)
    for count in (1, 2, 9):
        terms = [real_graph.term_ids[t] for t in rng.choice(real_graph.associations.term, count).tolist()]
        look = asked(real_graph, *(Finding(term) for term in dict.fromkeys(terms)))
        named = (look.picture[0][real_graph.namesakes.others] * real_graph.namesakes.shares).sum(axis=1)
        slow: set[int] = set()
        for members in learned_sources(real_graph):
            for score, most in (
                *((look.total, BY_TOTAL), (look.ratios, BY_RATIOS)),
                *((named, BY_NAMESAKES), (look.picture[LIKENESS], BY_LIKENESS)),
            ):
                first = np.argpartition(-score[members], most)[:most] if most < len(members) else slice(None)
                slow.update(members[first].tolist())
        assert candidates(real_graph, look).tolist() == sorted(slow)


@pytest.mark.slow
def test_what_was_no_candidate_stays_behind_in_its_order(real_graph: CompiledGraph) -> None:
    look = asked(real_graph, Finding(TermId("HP:0001166")), Finding(TermId("HP:0001083")))
    chosen = candidates(real_graph, look)
    omim = real_graph.sources[[real_graph.disease_ids[s[0]][:4] for s in real_graph.sources].index("OMIM")]
    assert set(omim[np.argsort(-look.total[omim])[:BY_TOTAL]]) <= set(chosen)
    moved, _ = second_look(real_graph, look, LearnedLooks.load())
    total = look.total + moved
    left = np.setdiff1d(np.arange(len(total)), chosen)
    assert total[left].max() <= total[chosen].min() + 1e-4
    assert np.ptp(total[left] - look.total[left]) < 1e-4
    for members in real_graph.sources:  # sources stand to each other as they did
        assert total[members].max() == pytest.approx(look.total[members].max(), abs=1e-4)


def test_an_excluded_finding_still_counts(graph: CompiledGraph) -> None:
    plain = rank(graph, [Finding(FEVER)]).total
    scores = rank(graph, [Finding(FEVER), Finding(FOCAL, FindingState.EXCLUDED)])
    said = scores.per_finding[1]
    changed = scores.total - plain
    assert (changed - changed[0]) == pytest.approx(said - said[0], abs=1e-5)
    assert said[0] < said[1]


def test_without_an_observed_finding_there_is_no_second_look(graph: CompiledGraph) -> None:
    assert not rank(graph, [Finding(FOCAL, FindingState.EXCLUDED)]).moved.any()


def test_trees_score_as_walking_them_would() -> None:
    trees = BoostedTrees(
        ("a", "b"),
        feature=np.array([[0, 1]], np.uint8),
        threshold=np.array([[1.0, 5.0]], np.float32),
        path=np.array([[[1, 1], [1, -1], [-1, 0]]], np.float32),
        value=np.array([[10.0, 20.0, 30.0]], np.float32),
    )
    features = np.array([[1.0, 0.0, 2.0], [5.0, 6.0, 5.0]], np.float32)
    assert trees.score(features).tolist() == [10.0, 20.0, 30.0]
    arrays = trees.arrays()
    again = BoostedTrees.of_arrays(arrays, names=("a", "b"), file="t.bin", rebuild="learning")
    assert again.score(features).tolist() == [10.0, 20.0, 30.0]
    with pytest.raises(ValueError, match="other features; rebuild it by learning"):
        BoostedTrees.of_arrays(arrays, names=("b", "a"), file="t.bin", rebuild="learning")


def test_the_shipped_trees_score_as_the_matrix_product_of_paths_does() -> None:
    trees, rng = LearnedLooks.load().trees, np.random.default_rng(3)
    features = rng.choice(
        np.concatenate([trees.threshold.ravel(), rng.normal(size=900)]), (len(FEATURES), 300)
    )
    features = features.astype(np.float32)
    went = np.where(features[trees.feature] <= trees.threshold[..., None], 1, -1)
    reached = trees.path @ went == np.abs(trees.path).sum(axis=2)[..., None]
    assert (reached.sum(axis=1) == 1).all()
    slow = (trees.value[:, :, None] * reached).sum(axis=1).sum(axis=0)
    assert trees.score(features) == pytest.approx(slow, abs=1e-5)


@pytest.mark.parametrize("leaves", [2, 16, 17, 33, 64])
def test_a_tree_has_up_to_64_leaves(leaves: int) -> None:
    trees = _ladder(leaves)
    assert trees.score(np.arange(leaves, dtype=np.float32)[None]).tolist() == list(range(leaves))


def test_a_tree_of_more_leaves_is_refused() -> None:
    with pytest.raises(ValueError, match="65 leaves"):
        _ladder(65).score(np.zeros((1, 1), np.float32))


def _ladder(leaves: int) -> BoostedTrees:
    """One tree whose leaf i takes what is above i - 1 and at or below i."""
    rungs = np.arange(leaves)[:, None], np.arange(leaves - 1)[None]
    path = np.where(rungs[1] < rungs[0], -1, np.where(rungs[1] == rungs[0], 1, 0))[None]
    return BoostedTrees(
        ("a",),
        feature=np.zeros((1, leaves - 1), np.uint8),
        threshold=np.arange(leaves - 1, dtype=np.float32)[None],
        path=path.astype(np.float32),
        value=np.arange(leaves, dtype=np.float32)[None],
    )


def test_what_ships_says_where_it_comes_from_and_an_altered_file_is_refused() -> None:
    shipped = LearnedLooks.load()
    assert shipped.trees.names == FEATURES
    assert len(shipped.third.middle) == 1 + len(TOLD)
    assert "Rebuild: anamnesis evaluate --fit-reranking" in shipped.trees.about
    data = shipped.to_file()
    again = LearnedLooks.of_file(data)
    assert again.third.hidden.tolist() == shipped.third.hidden.tolist()
    with pytest.raises(ValueError, match="sha256"):
        LearnedLooks.of_file(data[:-1] + bytes([data[-1] ^ 1]))


def test_fitting_finds_what_tells_and_scores_as_scikit_learn_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(rerank_fitting._SETTINGS, "max_iter", 20)
    rng = np.random.default_rng(1)
    cases = []
    for number in range(150):
        features = rng.normal(size=(len(FEATURES), 40)).astype(np.float32)
        truth = int(np.argmax(2 * features[1] + features[5]))
        cases.append(LookedAt(f"OMIM:{number % 30}", features, np.zeros(40, np.float32), truth))
    unsolvable = LookedAt("OMIM:99", cases[0].features, cases[0].fixed, None)
    trees = fit_reranking([*cases[:100], unsolvable])
    tens = [ten for case in cases[:100] if (ten := case.ten(trees))]
    looks = LearnedLooks(trees, fit_third_look(tens))
    assert np.mean([case.rank(looks) <= 3 for case in cases[100:]]) > 0.8
    assert unsolvable.rank(looks) == np.inf
    described = cases[50:100]
    both = fit_reranking(cases[:50], described)
    features, seeds = cases[100].features, range(rerank_fitting.FORESTS)
    alone = [rerank_fitting._forest(cases[:50], rerank_fitting.RIVALS_TAUGHT, s) for s in seeds]
    every = [rerank_fitting._forest(cases[:100], RIVALS_OF_MANY, s) for s in seeds]
    mean = np.mean([forest.score(features) for forest in (*alone, *every)], axis=0)
    assert both.score(features) == pytest.approx(mean, abs=1e-4)
    learner = HistGradientBoostingClassifier(max_iter=5, max_leaf_nodes=15, early_stopping=False)
    learner.fit(features.T, np.arange(40) % 3 == 0)
    walked = rerank_fitting._as_arrays([t[0].nodes for t in learner._predictors]).score(features)
    assert np.ptp(learner.decision_function(features.T) - walked) < 1e-5


def made_up() -> bytes:
    others = np.array([[1] * COUNT, [0] * COUNT, [1] * COUNT], np.int32)
    shares = np.full(others.shape, 1 / COUNT, np.float32)
    return to_file(["OMIM:1", "OMIM:2", "OMIM:3"], Namesakes(others, shares))


def test_namesakes_are_found_again_by_id() -> None:
    found = read_namesakes(made_up(), ["OMIM:9", "OMIM:2", "OMIM:1"])
    assert [set(row) for row in found.others.tolist()] == [{0}, {2}, {1}]
    assert found.shares.sum(axis=1) == pytest.approx(1)


def test_a_disease_whose_namesakes_are_gone_is_its_own() -> None:
    found = read_namesakes(made_up(), ["OMIM:3"])
    assert set(found.others[0].tolist()) == {0}
    assert found.shares.sum() == pytest.approx(1)


def test_an_altered_file_is_refused() -> None:
    data = bytearray(made_up())
    data[-1] ^= 1
    with pytest.raises(ValueError, match="--build-namesakes"):
        read_namesakes(bytes(data), [])

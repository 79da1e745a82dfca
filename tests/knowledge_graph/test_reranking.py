"""The second look agrees with what is worked out by hand, and leaves the rest of the ranking in place."""

import numpy as np
import pytest

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.namesakes import COUNT, Namesakes, read_namesakes, to_file
from knowledge_graph.ranking.likelihood_ratio import likelihood_ratios
from knowledge_graph.ranking.profile_fit import fit_features
from knowledge_graph.ranking.rank import asked_of, first_look, rank
from knowledge_graph.ranking.rerank_fitting import LookedAt, fit_reranking
from knowledge_graph.ranking.reranking import (
    BY_TOTAL,
    FEATURES,
    UNMET,
    Asked,
    RerankWeights,
    candidate_features,
    candidates,
    second_look,
)
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph

FOCAL, FEVER = TermId("HP:0000011"), TermId("HP:0000020")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def asked(graph: CompiledGraph, *findings: Finding) -> Asked:
    own = likelihood_ratios(graph, findings)
    features = fit_features(graph, [graph.term_number(f.term_id) for f in findings])
    context = np.zeros(len(graph.disease_ids), np.float32)
    return asked_of(
        first_look(graph, findings, own=own, features=features, context=context), features=features
    )


@pytest.mark.slow
def test_features_equal_the_slow_reference(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(8)
    terms = [real_graph.term_ids[t] for t in rng.choice(real_graph.associations.term, 5).tolist()]
    look = asked(real_graph, *(Finding(term) for term in dict.fromkeys(terms)))
    chosen = candidates(real_graph, look)[::60]
    found = candidate_features(real_graph, look, chosen)
    for column, disease in zip(found.T, chosen.tolist(), strict=True):
        slow = _slow_features(real_graph, look, disease)
        assert column == pytest.approx([slow[name] for name in FEATURES], abs=2e-3)


def _slow_features(graph: CompiledGraph, look: Asked, disease: int) -> dict[str, float]:
    kin = [*graph.kinship.twins[disease], *graph.kinship.same_gene[disease]]
    named = list(zip(graph.namesakes.others[disease], graph.namesakes.shares[disease], strict=True))
    heard, called = 0.0, 0.0
    for row in look.own:
        own = max(row[disease], np.log(UNMET))
        heard += max([own, *(row[k] for k in kin)])
        called += max(own, np.log(sum(share * np.exp(row[k]) for k, share in named)))
    return {
        "first_look": look.total[disease] - look.fixed[disease],
        "sources_heard": heard,
        "namesakes_heard": called,
        "coverage": look.fit[0, disease],
        "documented": look.fit[2, disease],
        "sources_coverage": max([0.0, *(look.fit[0, k] for k in kin)]),
        "namesakes_coverage": sum(share * look.fit[0, k] for k, share in named),
    }


@pytest.mark.slow
def test_what_was_no_candidate_stays_behind_in_its_order(real_graph: CompiledGraph) -> None:
    look = asked(real_graph, Finding(TermId("HP:0001166")), Finding(TermId("HP:0001083")))
    chosen = candidates(real_graph, look)
    omim = real_graph.sources[[real_graph.disease_ids[s[0]][:4] for s in real_graph.sources].index("OMIM")]
    assert set(omim[np.argsort(-look.total[omim])[:BY_TOTAL]]) <= set(chosen)
    total = look.total + second_look(real_graph, look, RerankWeights.load())
    left = np.setdiff1d(np.arange(len(total)), chosen)
    assert total[left].max() <= total[chosen].min() + 1e-4
    assert np.ptp(total[left] - look.total[left]) < 1e-4
    assert total.max() == pytest.approx(look.total.max(), abs=1e-4)


def test_an_excluded_finding_still_counts(graph: CompiledGraph) -> None:
    plain = rank(graph, [Finding(FEVER)]).total
    scores = rank(graph, [Finding(FEVER), Finding(FOCAL, FindingState.EXCLUDED)])
    said = scores.per_finding[1]
    changed = scores.total - plain
    assert (changed - changed[0]) == pytest.approx(said - said[0], abs=1e-5)
    assert said[0] < said[1]


def test_without_an_observed_finding_there_is_no_second_look(graph: CompiledGraph) -> None:
    assert not rank(graph, [Finding(FOCAL, FindingState.EXCLUDED)]).moved.any()


def test_the_shipped_weights_carry_their_hash_and_reward_no_ignorance() -> None:
    weights = RerankWeights.load()
    assert min(weights.values) >= 0
    text = weights.to_text("a remark")
    assert RerankWeights.of_text(text) == weights
    with pytest.raises(ValueError, match="sha256"):
        RerankWeights.of_text(text.replace("coverage = ", "coverage = 1", 1))


def test_fitting_finds_what_tells_and_gives_nothing_to_what_misleads() -> None:
    rng = np.random.default_rng(1)
    cases = []
    for number in range(150):
        features = rng.normal(size=(len(FEATURES), 12)).astype(np.float32)
        truth = int(np.argmax(2 * features[1] + features[3] - features[4] + 0.1 * rng.normal(size=12)))
        cases.append(LookedAt(f"OMIM:{number % 30}", features, np.zeros(12, np.float32), truth))
    unsolvable = LookedAt("OMIM:99", cases[0].features, cases[0].fixed, None)
    weights = fit_reranking([*cases, unsolvable], unit=0.5)
    found = dict(zip(FEATURES, weights.values, strict=True))
    assert found["sources_heard"] / found["coverage"] == pytest.approx(2, rel=0.35)
    assert found["documented"] == 0.0
    assert np.mean([case.rank(weights) == 1 for case in cases]) > 0.6
    assert unsolvable.rank(weights) == np.inf


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

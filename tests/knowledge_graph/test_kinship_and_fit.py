"""Kin, borrowing and the fit agree with what is worked out by hand, dropped publications included."""

import math
from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.arrays import Rows, highest, places_of, rows_from, transposed
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.kinship import build_kinship, name_words, series_stem
from knowledge_graph.graph.profile import UNKNOWN_FREQUENCY
from knowledge_graph.graph.row_maxima import SHORT, RowMaxima
from knowledge_graph.ranking.borrowing import AT_ONCE, SERIES_SHARE, SHARES, borrowed, lenders
from knowledge_graph.ranking.dropped_publication import DroppedPublication, SharedRows
from knowledge_graph.ranking.exclusion import Exclusion
from knowledge_graph.ranking.likelihood_ratio import likelihood_ratios
from knowledge_graph.ranking.profile_fit import (
    PRIOR_INFORMATION,
    FitWeights,
    picture_of,
    reached_information,
)
from knowledge_graph.ranking.rank import GraphScores, rank
from knowledge_graph.ranking.weight_fitting import SHARPNESS, RankedCase, fit_weights
from knowledge_graph.rationale.evidence import SERIES
from knowledge_graph.rationale.explanation import Reasons
from knowledge_graph.rationale.own_match import Matcher
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import HPOA, mini_graph, write_mini_release

FOCAL, SEIZURE, FEVER = (TermId(f"HP:00000{n}") for n in (11, 10, 20))


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


@pytest.fixture(scope="module")
def kindred(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    """OMIM:1 and ORPHA:3 are one disease; OMIM:2 and OMIM:4 are one series."""
    hpoa = HPOA.replace("No-fit disease", "Disease (FIT)").replace("Fit disease", "disease")
    hpoa = hpoa.replace("Rash disease", "Rash disease 1")
    hpoa = "".join(line for line in hpoa.splitlines(keepends=True) if "\tNOT\t" not in line)
    hpoa += "OMIM:4\tRash disease 2\t\tHP:0000010\tPMID:7\tPCS\t\t3/4\t\t\tP\t-\n"
    folder = tmp_path_factory.mktemp("kindred")
    return compile_release(write_mini_release(folder, hpoa=hpoa))


def test_names_are_compared_by_their_words() -> None:
    assert name_words("Marfan Syndrome (MFS)") == name_words("syndrome, Marfan")
    assert name_words("Ataxia 2") != name_words("Ataxia 3")
    assert name_words("Oral syndrome, type V") == name_words("Syndrome of oral type 5")
    assert name_words("Class I deficiency 2") != name_words("Class II deficiency 1")
    assert name_words("Monosomy X") != name_words("Monosomy 10")
    one, other = "Immunodeficiency 124, severe combined", "Immunodeficiency 12B, severe combined"
    assert series_stem(one) == series_stem(other) == "immunodeficiency severe combined"
    assert series_stem("Rash 3") == ""


def test_kin_are_of_another_source_and_series_of_the_same() -> None:
    kin = build_kinship(
        ("OMIM:1", "ORPHA:1", "OMIM:2", "ORPHA:2"),
        ("Great ataxia 1", "Great ataxia 1", "Great ataxia 2", "Something else"),
        (("G",), (), ("G",), ("G", "H")),
    )
    assert [kin.twins[d].tolist() for d in range(4)] == [[1], [0], [], []]
    assert [kin.same_gene[d].tolist() for d in range(4)] == [[3], [], [3], [0, 2]]
    assert [kin.series[g].tolist() for g in range(len(kin.series))] == [[0, 2]]


def test_who_has_a_twin_by_name_gets_none_by_gene() -> None:
    named, other = (
        build_kinship(
            ("OMIM:1", "ORPHA:1", "ORPHA:2"),
            ("Ataxia 1", "Ataxia 1", "Rash"),
            ((),) * 3,
            one_by_gene=[[0, 2]],
        ),
        build_kinship(("OMIM:1", "ORPHA:2"), ("Ataxia 1", "Rash"), ((),) * 2, one_by_gene=[[0, 1]]),
    )
    assert [named.twins[d].tolist() for d in range(3)] == [[1], [0], []]
    assert [other.twins[d].tolist() for d in range(2)] == [[1], [0]]


@pytest.mark.slow
def test_borrowing_equals_the_slow_reference(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(4)
    terms = rng.choice(real_graph.associations.term, 2 * AT_ONCE + 3)
    findings = [Finding(real_graph.term_ids[t]) for t in terms]
    own = likelihood_ratios(real_graph, findings)
    fast = borrowed(real_graph, own, np.ones(len(own), bool))
    for disease in rng.choice(len(real_graph.disease_ids), 40).tolist():
        slow = [_slow_borrowing(real_graph, row, disease) for row in own]
        assert fast[:, disease] == pytest.approx(slow, abs=1e-4)


def _slow_borrowing(
    graph: CompiledGraph, own: "np.ndarray[tuple[int], np.dtype[np.float32]]", d: int
) -> float:
    ratios = [math.exp(own[d])]
    for name, share in SHARES.items():
        ratios += [share * math.exp(own[kin]) for kin in getattr(graph.kinship, name)[d]]
    for group in (graph.kinship.series[g] for g in range(len(graph.kinship.series))):
        if d in group:
            ratios.append(SERIES_SHARE * sum(math.exp(own[o]) for o in group if o != d) / (len(group) - 1))
    return math.log(max(ratios))


@pytest.mark.slow
def test_the_lenders_equal_a_loop_over_the_kin(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(7)
    terms = rng.choice(real_graph.associations.term, 12)
    own = likelihood_ratios(real_graph, [Finding(real_graph.term_ids[t]) for t in terms])
    twins, genes = (np.diff(kin.indptr) for kin in (real_graph.kinship.twins, real_graph.kinship.same_gene))
    with_both, alone = np.flatnonzero((twins > 0) & (genes > 3)), np.flatnonzero(twins + genes == 0)
    diseases = np.array([*rng.choice(with_both, 30), alone[0]])
    for disease, who, most in zip(diseases.tolist(), *lenders(real_graph, own, diseases), strict=True):
        slow = [_slow_lender(real_graph, row, disease) for row in own]
        assert list(zip(who.tolist(), most.tolist(), strict=True)) == slow


def _slow_lender(
    graph: CompiledGraph, own: "np.ndarray[tuple[int], np.dtype[np.float32]]", disease: int
) -> tuple[int, float]:
    who, most = -1, float(own[disease])
    for name, share in SHARES.items():
        for kin in getattr(graph.kinship, name)[disease].tolist():
            ratio = float(own[kin]) + float(np.log(share))
            if ratio > most:
                who, most = kin, ratio
    return who, most


def test_the_places_of_rows_are_those_of_their_entries() -> None:
    rows = rows_from([[5, 6], [], [7], [8, 9, 10]])
    places, lengths = places_of(rows.indptr, np.array([3, 1, 0, 0]))
    assert rows.values[places].tolist() == [8, 9, 10, 5, 6, 5, 6]
    assert lengths.tolist() == [3, 0, 2, 2]
    none, lengths = places_of(rows.indptr, np.zeros(0, np.intp))
    assert none.tolist() == lengths.tolist() == []


@pytest.mark.parametrize("longest", [1, SHORT, 3 * SHORT])
def test_the_maxima_of_rows_equal_a_loop_over_them(longest: int) -> None:
    rng = np.random.default_rng(longest)
    lists = [rng.integers(0, 50, rng.integers(0, longest + 1)).tolist() for _ in range(40)]
    table = rng.normal(size=(50, 3)).astype(np.float32)
    slow = [table[values].max(axis=0, initial=-np.inf).tolist() for values in lists]
    assert RowMaxima.of(rows_from(lists)).of_table(table).tolist() == slow


def test_there_may_be_no_rows_at_all() -> None:
    best = RowMaxima.of(rows_from([[], []])).of_table(np.zeros((2, 3), np.float32))
    assert best.tolist() == [[-np.inf] * 3] * 2


@pytest.mark.parametrize("count", [0, 1, 7, 60, 99, 100, 200])
def test_the_highest_are_those_of_a_stable_sort(count: int) -> None:
    values = np.random.default_rng(count).integers(0, 9, 100).astype(np.float32)
    assert highest(values, count).tolist() == np.argsort(-values, kind="stable")[:count].tolist()
    values[::2] = np.nan
    assert highest(values, count).tolist() == np.argsort(-values, kind="stable")[:count].tolist()


@pytest.mark.parametrize("width", [60, 2**16, 2**16 + 1])
def test_transposed_rows_list_who_holds_each_number(width: int) -> None:
    rng = np.random.default_rng(width)
    rows = rows_from([[width - 1], *(rng.integers(0, 60, 5).tolist() for _ in range(30))])
    turned = transposed(rows, width)
    held = [[row for row in range(len(rows)) for value in rows[row] if value == n] for n in range(60)]
    assert [turned[n].tolist() for n in range(60)] == held
    assert turned[width - 1].tolist()[:1] == [0]


@pytest.mark.slow
def test_the_reached_information_equals_the_slow_reference(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(6)
    for count in (0, 1, 7, 40):
        observed = rng.choice(real_graph.associations.term, count).tolist()
        seen = {above for term in observed for above in real_graph.ancestors[term].tolist()}
        value = np.array(
            [real_graph.information[t] if t in seen else 0 for t in range(len(real_graph.term_ids))]
        )
        above: Rows = real_graph.ancestors
        slow = [value[above[term]].max() for term in range(len(above))]
        assert reached_information(real_graph, observed).tolist() == slow


def evidence(graph: CompiledGraph, scores: GraphScores, disease: str) -> tuple[str, tuple[str, ...]]:
    (found,) = Reasons(graph, scores).explain(disease)
    return found.borrowed_from, found.references


def test_the_evidence_names_who_lent_it(kindred: CompiledGraph) -> None:
    scores = rank(kindred, [Finding(FOCAL)])
    assert evidence(kindred, scores, "OMIM:1") == ("", ("PMID:1", "PMID:2"))
    assert evidence(kindred, scores, "ORPHA:3") == ("OMIM:1", ("PMID:1", "PMID:2"))
    seizure = rank(kindred, [Finding(SEIZURE)])
    assert evidence(kindred, seizure, "OMIM:2") == (SERIES, ())
    assert seizure.own[0, 1] < seizure.per_finding[0, 1]


def test_an_excluded_finding_is_not_borrowed(kindred: CompiledGraph) -> None:
    scores = rank(kindred, [Finding(FOCAL, FindingState.EXCLUDED)])
    assert scores.per_finding.tolist() == scores.own.tolist()
    assert not scores.fit.any()


def test_the_features_are_as_worked_out_by_hand(graph: CompiledGraph) -> None:
    coverage, exact, documented, described = picture_of(graph, [graph.term_number(SEIZURE)])[:4]
    information = dict(zip(graph.term_ids, graph.information.tolist(), strict=True))
    expected = (10 / 14) * information[FOCAL] + 0.5 * information[FEVER]
    reached = (10 / 14) * information[SEIZURE] + 0.5 * information[TermId("HP:0000118")]
    assert coverage[0] == pytest.approx(reached / (expected + PRIOR_INFORMATION), rel=1e-5)
    assert exact.tolist() == [1, 0, 0]
    assert documented.tolist() == pytest.approx([math.log(3), math.log(2), 0])
    assert described[0] == pytest.approx(math.log(3))


def test_leaving_out_nothing_changes_nothing(real_graph: CompiledGraph) -> None:
    findings = [Finding(t) for t in real_graph.term_ids[500:3000:400]]
    plain = rank(real_graph, findings)
    assert DroppedPublication(real_graph).rank(findings, {"PMID:0"}).total.tolist() == plain.total.tolist()


def test_dropping_a_publication_equals_a_release_without_its_rows(tmp_path: Path) -> None:
    shorter = "".join(line for line in HPOA.splitlines(keepends=True) if "PMID:2" not in line)
    full, without = (
        mini_graph(tmp_path / "a"),
        compile_release(write_mini_release(tmp_path / "b", hpoa=shorter)),
    )
    findings = tuple(rank(full, [Finding(SEIZURE), Finding(FEVER)]).findings)
    own, features, _ = DroppedPublication(full).parts(findings, {"PMID:2"})
    numbers = [without.term_number(f.term_id) for f in findings]
    exact, documented, described = picture_of(without, numbers)[1:4]
    assert features[1].tolist() == exact.tolist()
    assert features[2].tolist() == documented.tolist()
    assert features[3].tolist() == described.tolist()
    # the background stays that of the whole release: the ratio changes by P alone, 9/12 for 10/14
    kept = likelihood_ratios(full, findings)
    assert own[0, 0] - kept[0, 0] == pytest.approx(math.log((9 / 12) / (10 / 14)), abs=1e-5)
    assert own[:, 1:].tolist() == kept[:, 1:].tolist()


def test_a_row_of_several_publications_is_left_out_as_asked(tmp_path: Path) -> None:
    shared = HPOA.replace("PMID:2\tPCS\t\t1/2", "PMID:2; PMID:4\tPCS\t\t2/2")
    graph = compile_release(write_mini_release(tmp_path, hpoa=shared))
    assert shared != HPOA

    def of_focal(how: SharedRows, *references: str) -> float | None:
        own, _ = DroppedPublication(graph, shared=how).profile(0, set(references))
        told = dict(zip(own[0].tolist(), own[1].tolist(), strict=True))
        return told.get(graph.term_number(FOCAL))

    kept, uncounted, dropped = SharedRows
    assert of_focal(kept, "PMID:2") == pytest.approx((8 + 2 + 1) / (10 + 2 + 2))
    assert of_focal(kept, "PMID:1", "PMID:2") == pytest.approx((2 + 1) / (2 + 2))
    assert of_focal(uncounted, "PMID:2") == pytest.approx((8 + 1) / (10 + 2))
    assert of_focal(uncounted, "PMID:1", "PMID:2") == pytest.approx(UNKNOWN_FREQUENCY)
    assert of_focal(uncounted, "PMID:1", "PMID:2", "PMID:4") is None
    assert of_focal(dropped, "PMID:4") == pytest.approx((8 + 1) / (10 + 2))
    assert of_focal(dropped, "PMID:1", "PMID:4") is None
    for how in SharedRows:  # whom else it names, it is scored anew for; the rest stays
        assert DroppedPublication(graph, shared=how).diseases({"PMID:3"}) == {1}
    assert DroppedPublication(graph, shared=dropped).diseases({"PMID:4"}) == {0}


def test_reasons_name_each_publication_of_a_shared_row(tmp_path: Path) -> None:
    shared = HPOA.replace("PMID:2\tPCS", "PMID:2; PMID:1\tPCS")
    graph = compile_release(write_mini_release(tmp_path, hpoa=shared))
    ((match,),) = Matcher(graph, np.array([graph.term_number(FOCAL)])).matches(np.array([[0]]))
    assert match.references == ("PMID:1", "PMID:2")


def test_a_disease_left_without_rows_still_ranks(graph: CompiledGraph) -> None:
    scores = DroppedPublication(graph).rank([Finding(SEIZURE)], {"PMID:1", "PMID:2", "OMIM:1"})
    assert np.isfinite(scores.total).all()
    assert scores.fit[0] == 0


def test_the_shipped_weights_carry_their_hash() -> None:
    weights = FitWeights.load()
    text = weights.to_text("a remark\nand another")
    assert text.startswith("# a remark\n# and another\ncoverage = ")
    assert FitWeights.of_text(text) == weights
    with pytest.raises(ValueError, match="sha256"):
        FitWeights.of_text(text.replace("exact = ", "exact = 1"))


def test_fitting_finds_the_feature_that_tells() -> None:
    rng = np.random.default_rng(1)
    cases = []
    for number in range(1000):
        ratios = rng.normal(size=8).astype(np.float32)
        features = rng.normal(size=(3, 8)).astype(np.float32)
        chances = rng.random(8).astype(np.float32)
        excluded = np.stack([Exclusion(1.0, k).log_of(chances) for k in SHARPNESS])
        truth = int(np.argmax(ratios + 2 * features[0] + 4 * excluded[3] + rng.gumbel(size=8)))
        cases.append(RankedCase(f"OMIM:{number % 20}", ratios, features, excluded, truth))
    fitted = fit_weights(cases)
    assert fitted.weights.coverage == pytest.approx(2, rel=0.15)
    assert abs(fitted.weights.exact) < 0.2
    assert abs(fitted.weights.documented) < 0.2
    assert fitted.weights.sharpness == SHARPNESS[3]
    assert fitted.weights.excluded == pytest.approx(4, rel=0.3)
    assert fitted.temperature > 0


def test_an_excluded_finding_is_never_learned_to_speak_for_what_shows_it() -> None:
    rng = np.random.default_rng(2)
    cases = []
    for number in range(50):
        ratios, chances = rng.normal(size=8).astype(np.float32), rng.random(8).astype(np.float32)
        excluded = np.stack([Exclusion(1.0, k).log_of(chances) for k in SHARPNESS])
        truth = int(np.argmax(ratios - 3 * excluded[3]))
        cases.append(RankedCase(f"OMIM:{number}", ratios, np.zeros((3, 8), np.float32), excluded, truth))
    assert fit_weights(cases).weights.excluded == 0

"""Scores agree with a slow, obvious reference, and the reasons add up to them."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.errors import UnknownDisease, UnknownTerm
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.graph.cache import load_compiled, read_compiled, to_bytes
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.settled import settled_terms
from knowledge_graph.ranking.exclusion import Exclusion
from knowledge_graph.ranking.likelihood_ratio import FLOOR, likelihood_ratios
from knowledge_graph.ranking.profile_fit import FitWeights
from knowledge_graph.ranking.rank import rank
from knowledge_graph.rationale.evidence import SERIES, PathTerm
from knowledge_graph.rationale.explanation import Reasons
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph, write_mini_release

FOCAL, SEIZURE, FEVER, RASH, ITCHY = (TermId(f"HP:00000{n}") for n in (11, 10, 20, 30, 31))
EXCLUDED = FindingState.EXCLUDED


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def test_counts_are_pooled_and_shrunk_and_inherited(graph: CompiledGraph) -> None:
    diseases, probability = graph.profiles.of_term(graph.term_number(SEIZURE))
    assert diseases.tolist() == [0]
    assert probability.tolist() == pytest.approx([(9 + 1) / (12 + 2)])


def test_an_observed_term_is_scored_as_the_formula_says(graph: CompiledGraph) -> None:
    seizure = likelihood_ratios(graph, [Finding(SEIZURE)])[0]
    background = (10 / 14) / 3
    assert seizure[0] == pytest.approx(math.log((10 / 14) / background), abs=1e-5)
    # the others show only a distant ancestor: Phenotypic abnormality
    top = {0: 10 / 14, 1: 0.9, 2: 0.5}
    mean = sum(top.values()) / 3
    assert seizure[1] == pytest.approx(math.log(max(FLOOR, 0.2 * 0.9 / mean)), abs=1e-5)


def test_an_excluded_term_speaks_against_what_shows_it(graph: CompiledGraph) -> None:
    row = likelihood_ratios(graph, [Finding(SEIZURE, EXCLUDED)], Exclusion(weight=2.0, sharpness=4.0))[0]
    shown, usual = (10 / 14) ** 4, (10 / 42) ** 4
    assert row[0] == pytest.approx(2 * math.log((1 - shown) / (1 - usual)), abs=1e-5)
    assert row[1] == pytest.approx(-2 * math.log(1 - usual), abs=1e-5)
    assert row[0] < 0 < row[1]


def test_the_shipped_exclusion_holds_a_finding_against_a_disease_that_nearly_always_shows_it() -> None:
    always, often, now_and_then = FitWeights.load().exclusion.log_of(np.array([1.0, 0.7, 0.3], np.float32))
    assert always < -1
    assert -0.5 < often < 0
    assert now_and_then == pytest.approx(0, abs=1e-3)


def test_fast_scores_equal_the_slow_reference_on_the_real_release(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(3)
    terms = rng.choice(np.unique(real_graph.associations.term), 12, replace=False)
    states = [FindingState.OBSERVED] * 9 + [EXCLUDED] * 3
    findings = [Finding(real_graph.term_ids[t], s) for t, s in zip(terms, states, strict=True)]
    fast = likelihood_ratios(real_graph, findings)
    for disease in rng.choice(len(real_graph.disease_ids), 8, replace=False).tolist():
        slow = [_slow_ratio(real_graph, disease, finding) for finding in findings]
        assert fast[:, disease] == pytest.approx(slow, abs=1e-4)


def _slow_ratio(graph: CompiledGraph, disease: int, finding: Finding) -> float:
    def shown(term: int) -> float:
        where, p = graph.profiles.of_term(term)
        return next((float(q) for d, q in zip(where, p, strict=True) if d == disease), 0.0)

    term = graph.term_number(finding.term_id)
    usual = float(graph.profiles.background[term])
    if finding.state is EXCLUDED:
        weights = FitWeights.load()
        own, common = (min(p, 0.98) ** weights.sharpness for p in (shown(term), usual))
        return weights.excluded * math.log((1 - own) / (1 - common))
    ratios = [FLOOR, shown(term) / usual]
    for ancestor in graph.ancestors[term].tolist()[:-1]:
        ratios.append(0.2 * shown(ancestor) / float(graph.profiles.background[ancestor]))
    return math.log(max(ratios))


def test_the_disease_with_the_finding_comes_first(graph: CompiledGraph) -> None:
    scores = rank(graph, [Finding(FOCAL), Finding(FEVER)])
    assert graph.disease_ids[scores.best(1)[0]] == "OMIM:1"


def test_a_finding_named_twice_counts_once(graph: CompiledGraph) -> None:
    once = rank(graph, [Finding(SEIZURE)])
    twice = rank(graph, [Finding(SEIZURE), Finding(TermId("HP:0000910"))])
    assert twice.total.tolist() == once.total.tolist()


def test_age_and_sex_speak_against_what_they_do_not_fit(graph: CompiledGraph) -> None:
    child = rank(graph, [Finding(FEVER)], age_days=3650)
    assert child.context[1] < 0 == child.context[0]
    woman = rank(graph, [Finding(FEVER)], sex=Sex.FEMALE)
    assert woman.context.tolist()[:2] == [0, 0]


def test_the_evidence_adds_up_to_the_score(graph: CompiledGraph) -> None:
    scores = rank(graph, [Finding(SEIZURE), Finding(FEVER), Finding(RASH, EXCLUDED)], age_days=3650)
    for number, disease in enumerate(graph.disease_ids):
        parts = sum(e.log_likelihood_ratio for e in Reasons(graph, scores).explain(disease))
        rest = scores.context[number] + scores.fit[number] + scores.moved[number]
        assert parts + rest == pytest.approx(scores.total[number], abs=1e-5)


def test_evidence_names_the_match_its_frequency_and_its_references(graph: CompiledGraph) -> None:
    (evidence,) = Reasons(graph, rank(graph, [Finding(SEIZURE)])).explain("OMIM:1")
    assert evidence.matched_name == "Focal seizure"
    assert evidence.frequency == "8/10, 1/2"
    assert evidence.references == ("PMID:1", "PMID:2")


def test_an_inexact_match_shows_its_path_in_the_ontology(graph: CompiledGraph) -> None:
    (below,) = Reasons(graph, rank(graph, [Finding(SEIZURE)])).explain("OMIM:1")
    assert [(step.name, step.up) for step in below.path] == [("Focal seizure", False)]
    assert below.met_as == "as Focal seizure (Seizure > Focal seizure)"
    steps = [
        PathTerm(FEVER, name, up=up) for name, up in (("B", True), ("C", True), ("D", False), ("E", False))
    ]
    far = replace(below, matched_name="E", path=tuple(steps))
    assert far.met_as == "as E (Seizure << C >> E)"
    (itself,) = Reasons(graph, rank(graph, [Finding(FOCAL)])).explain("OMIM:1")
    assert (itself.path, itself.met_as) == ((), "")
    (never,) = Reasons(graph, rank(graph, [Finding(ITCHY)])).explain("OMIM:1")
    assert (never.path, never.frequency) == ((), "")


def test_every_step_of_a_path_is_one_of_the_ontology_on_the_real_release(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(8)
    findings = [Finding(real_graph.term_ids[t]) for t in rng.choice(real_graph.associations.term, 8)]
    scores = rank(real_graph, findings)
    inexact = 0
    for disease in scores.best(20).tolist():
        for found in Reasons(real_graph, scores).explain(real_graph.disease_ids[disease]):
            exact = found.matched_term_id in (None, found.term_id)
            assert exact == (not found.path)
            inexact += not exact
            ends = [found.term_id, *(step.term_id for step in found.path)]
            for (one, other), step in zip(pairwise(ends), found.path, strict=True):
                below, above = (one, other) if step.up else (other, one)
                assert real_graph.term_index[above] in real_graph.parents[real_graph.term_index[below]]
            assert ends[-1] == (found.term_id if exact else found.matched_term_id)
            turns = [step.up for step in found.path]
            assert turns == sorted(turns, reverse=True)  # up first, then down
    assert inexact > 10


def test_the_evidence_equals_a_slow_search_of_the_rows_on_the_real_release(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(3)
    findings = [Finding(real_graph.term_ids[t]) for t in rng.choice(real_graph.associations.term, 7)]
    scores = rank(real_graph, findings)
    for disease in scores.best(6).tolist():
        for found in Reasons(real_graph, scores).explain(real_graph.disease_ids[disease]):
            if found.borrowed_from != SERIES:
                speaker = real_graph.disease_number(found.borrowed_from or real_graph.disease_ids[disease])
                slow = _slow_match(real_graph, real_graph.term_number(found.term_id), speaker)
                assert (found.matched_name, found.frequency, found.references) == slow


def test_diseases_are_explained_together_as_one_by_one(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(6)
    findings = [Finding(real_graph.term_ids[t]) for t in rng.choice(real_graph.associations.term, 7)]
    scores = rank(real_graph, [*findings, Finding(TermId("HP:0001627"), EXCLUDED)])
    reasons = Reasons(real_graph, scores)
    denying = real_graph.denied.of_term(real_graph.term_number("HP:0001250"))[0][:2]
    ids = [real_graph.disease_ids[d] for d in (*scores.best(20).tolist(), *denying.tolist())]
    assert reasons.explain_each(ids) == [Reasons(real_graph, scores).explain(one) for one in ids]
    assert reasons.explain_each([]) == []


def _slow_match(graph: CompiledGraph, term: int, disease: int) -> tuple[str, str, tuple[str, ...]]:
    """The nearest term that the rows say is seen: itself, else the first at or below a telling ancestor."""
    rows = graph.associations
    seen = [r for r in range(rows.rows_of(disease).start, rows.rows_of(disease).stop) if not rows.excluded[r]]
    ways = [term] + [a for a in graph.ancestors[term][::-1] if graph.profiles.background[a] < 0.5]
    near = [rows.term[r] for above in ways for r in seen if above in graph.ancestors[rows.term[r]]]
    if not near:
        return "", "", ()
    matched = term if term in rows.term[seen] else near[0]
    about = [r for r in seen if rows.term[r] == matched]
    frequency = dict.fromkeys(graph.texts[rows.frequency[r]] for r in about if graph.texts[rows.frequency[r]])
    references = tuple(dict.fromkeys(p for r in about for p in graph.texts[rows.reference[r]].split(";")))
    return graph.term_names[matched], ", ".join(frequency), references


def test_what_is_known_or_implied_is_not_asked_again(graph: CompiledGraph) -> None:
    scores = rank(graph, [Finding(SEIZURE, EXCLUDED)])
    assert [e.name for e in Reasons(graph, scores).not_yet_asked("OMIM:1")] == ["Fever"]


def test_findings_settle_what_is_above_them_and_excluded_ones_what_is_below(graph: CompiledGraph) -> None:
    def settled(*findings: Finding) -> set[str]:
        return {graph.term_ids[term] for term in np.flatnonzero(settled_terms(graph, findings)).tolist()}

    above = {graph.term_ids[term] for term in graph.ancestors[graph.term_number(FOCAL)].tolist()}
    below = {graph.term_ids[term] for term in graph.descendants[graph.term_number(SEIZURE)].tolist()}
    assert settled() == set()
    assert settled(Finding(FOCAL)) == above
    assert settled(Finding(SEIZURE, EXCLUDED)) == below
    assert settled(Finding(RASH), Finding(SEIZURE, EXCLUDED)) == settled(Finding(RASH)) | below


def test_unknown_ids_are_refused_by_name(graph: CompiledGraph) -> None:
    with pytest.raises(UnknownTerm, match="HP:123"):
        rank(graph, [Finding(TermId("HP:123"))])
    with pytest.raises(UnknownDisease, match="OMIM:9"):
        Reasons(graph, rank(graph, [])).explain("OMIM:9")


def test_no_findings_rank_nothing_above_another(graph: CompiledGraph) -> None:
    assert set(rank(graph, []).total.tolist()) == {0.0}


def test_the_cache_gives_back_the_same_graph(graph: CompiledGraph, tmp_path: Path) -> None:
    (tmp_path / "graph.bin").write_bytes(to_bytes(graph))
    again = read_compiled(tmp_path / "graph.bin")
    assert again is not None
    assert (again.term_ids, again.texts, again.genes) == (graph.term_ids, graph.texts, graph.genes)
    assert again.profiles.probability.tolist() == graph.profiles.probability.tolist()


def test_a_damaged_cache_is_rebuilt(tmp_path: Path) -> None:
    release = write_mini_release(tmp_path / "release")
    load_compiled(tmp_path, release)
    (cache,) = tmp_path.glob("graph-*.bin")
    data = bytearray(cache.read_bytes())
    data[len(data) // 2] ^= 1
    cache.write_bytes(data)
    assert read_compiled(cache) is None
    assert load_compiled(tmp_path, release).disease_ids == ("OMIM:1", "OMIM:2", "ORPHA:3")
    assert read_compiled(cache) is not None

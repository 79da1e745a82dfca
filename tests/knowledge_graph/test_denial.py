"""A finding that a disease is said not to show speaks against it, whatever its kin say."""

import math
from pathlib import Path

import numpy as np
import pytest

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compilation import compile_release
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.denied import SELDOM
from knowledge_graph.ranking.denial import denials
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.rank import rank
from knowledge_graph.rationale.explanation import Reasons
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import HPOA, write_mini_release

SEIZURE, FOCAL, FEVER, RASH, ITCHY = (
    TermId(f"HP:00000{number}") for number in ("10", "11", "20", "30", "31")
)
FIT, RASHES, NO_FIT = 0, 1, 2


def compiled(folder: Path, *rows: str, without: str = "\0") -> CompiledGraph:
    kept = "".join(line for line in HPOA.splitlines(keepends=True) if without not in line)
    return compile_release(write_mini_release(folder, hpoa=kept + "".join(f"{row}\n" for row in rows)))


def row(disease: str, term: str, reference: str, frequency: str = "", qualifier: str = "") -> str:
    return "\t".join([disease, "x", qualifier, term, reference, "PCS", "", frequency, "", "", "P", "-"])


def told(graph: CompiledGraph, *findings: Finding) -> set[tuple[int, int, float]]:
    found = denials(graph, findings)
    ratios = [round(ratio, 5) for ratio in found.ratio.tolist()]
    return set(zip(found.finding.tolist(), found.disease.tolist(), ratios, strict=True))


def test_a_denial_holds_for_the_term_and_what_lies_below(tmp_path: Path) -> None:
    graph = compiled(tmp_path)
    never, of_five = round(math.log(SELDOM), 5), round(math.log(1 / 6), 5)
    findings = (Finding(FEVER), Finding(FOCAL), Finding(SEIZURE), Finding(ITCHY))
    assert told(graph, *findings) == {(1, NO_FIT, never), (2, NO_FIT, never), (3, NO_FIT, of_five)}
    assert told(graph, Finding(FOCAL, FindingState.EXCLUDED)) == set()


def test_patients_of_all_articles_are_counted_and_a_shown_term_is_not_denied(tmp_path: Path) -> None:
    more = (
        row("OMIM:2", SEIZURE, "PMID:3", "0/3"),
        row("OMIM:2", SEIZURE, "PMID:4", "0/4"),
        row("OMIM:1", SEIZURE, "PMID:4", "0/4"),  # but it shows focal ones
    )
    graph = compiled(tmp_path, *more)
    assert {(d, r) for _, d, r in told(graph, Finding(SEIZURE)) if d != NO_FIT} == {
        (RASHES, round(math.log(1 / 8), 5))
    }


def test_kin_do_not_speak_over_a_denial(tmp_path: Path) -> None:
    """Two diseases of a gene: what one shows, the other is said not to show."""
    twin = (row("OMIM:9", RASH, "PMID:9", "5/5"), row("OMIM:9", FOCAL, "PMID:9", "0/9"))
    genes = "".join(f"1\tFIT1\tHP:0000010\tSeizure\t-\t{disease}\n" for disease in ("OMIM:1", "OMIM:9"))
    header = "ncbi_gene_id\tgene_symbol\thpo_id\thpo_name\tfrequency\tdisease_id\n"
    text = HPOA + "".join(f"{line}\n" for line in twin)
    graph = compile_release(write_mini_release(tmp_path, hpoa=text, genes=header + genes))
    number = graph.disease_number("OMIM:9")
    scores = rank(graph, [Finding(FOCAL), Finding(RASH)])
    assert scores.per_finding[0, number] <= math.log(1 / 10) + 1e-6
    assert scores.total[number] == pytest.approx(
        scores.per_finding[:, number].sum()
        + scores.context[number]
        + scores.fit[number]
        + scores.moved[number],
        abs=1e-4,
    )


def test_no_denial_of_the_whole_release_gains_by_being_observed(real_graph: CompiledGraph) -> None:
    rows = real_graph.associations
    owner = np.repeat(np.arange(len(rows.indptr) - 1), np.diff(rows.indptr))
    some = np.flatnonzero(rows.excluded)[::100]
    for place in some.tolist():
        term, disease = int(rows.term[place]), int(owner[place])
        if disease not in real_graph.profiles.of_term(term)[0].tolist():
            scores = rank(real_graph, [Finding(real_graph.term_ids[term])])
            assert scores.per_finding[0, disease] < 0


def test_reasons_say_who_says_that_it_does_not_occur(tmp_path: Path) -> None:
    graph = compiled(tmp_path, row("OMIM:2", SEIZURE, "PMID:3; PMID:4", "0/3"))
    scores = rank(graph, [Finding(FOCAL), Finding(FEVER)])
    told = {e.term_id: e for e in Reasons(graph, scores).explain("OMIM:2")}
    assert told[FOCAL].log_likelihood_ratio == pytest.approx(math.log(1 / 4))
    assert (told[FOCAL].matched_term_id, told[FOCAL].matched_name) == (SEIZURE, "Seizure")
    assert told[FOCAL].frequency == "said not to occur (0/3)"
    assert told[FOCAL].references == ("PMID:3", "PMID:4")
    assert told[FOCAL].borrowed_from == ""
    assert "not" not in told[FEVER].frequency
    never = {e.term_id: e for e in Reasons(graph, scores).explain("ORPHA:3")}
    assert never[FOCAL].frequency == "said not to occur"


def test_a_dropped_publication_denies_nothing(tmp_path: Path) -> None:
    more = (row("OMIM:2", SEIZURE, "PMID:3", "0/3"), row("OMIM:2", SEIZURE, "PMID:4", "0/4"))
    full, without = compiled(tmp_path / "a", *more), compiled(tmp_path / "b", *more[:1])
    for references, graph in (({"PMID:4"}, without), (set[str](), full)):
        denied = DroppedPublication(full).parts((Finding(FOCAL),), references).denied
        expected = denials(graph, [Finding(FOCAL)])
        assert sorted(zip(denied.disease, denied.ratio, strict=True)) == sorted(
            zip(expected.disease, expected.ratio, strict=True)
        )
    denied = DroppedPublication(full).parts((Finding(FOCAL),), {"PMID:3", "PMID:4"}).denied
    assert denied.disease.tolist() == [NO_FIT]

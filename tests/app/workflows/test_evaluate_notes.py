"""Notes with a known diagnosis are counted by hand, way by way; their words come from the cases' findings."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.cli.main import main
from app.config.settings import CACHE_VARIABLE
from app.errors import UsageError
from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_cases import Case
from app.workflows.evaluate_notes import FINDINGS, FUSED, GRAPH, TEXT, ScoredNote, Tally, score_notes
from app.workflows.write_notes import (
    FIT_STYLE,
    LEFT_OUT,
    MEASURED_STYLES,
    PUBLISHED,
    SYNTHETIC,
    UNSEEN,
    KnownNote,
    published_notes,
    synthetic_notes,
)
from knowledge_graph.findings.finding import Finding, FindingState, Sex
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.ranking.dropped_publication import DroppedPublication
from knowledge_graph.ranking.rank import rank
from knowledge_graph.ranking.unseen_looks import UnseenLooks
from knowledge_graph.terms.term import DiseaseId, TermId

WEIGHTS = FusionWeights(graph_alone=1.0, text_alone=1.0, graph=1.0, text=1.0, damping=0.0)
MARFAN = DiseaseId("OMIM:154700")
SEEN = TermId("HP:0001166")


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, public_cache: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(public_cache))


def scored(graph: CompiledGraph, *, given: float, read: float, text: float, source: str) -> ScoredNote:
    """Marfan syndrome has three times these scores, one rival has 60, all others 0."""
    rival = next(d for d in graph.disease_ids if d.startswith("OMIM:") and d != MARFAN)
    rows = []
    for own in (given, read, text):
        row = np.zeros(len(graph.disease_ids), np.float32)
        row[graph.disease_number(rival)], row[graph.disease_number(MARFAN)] = 60.0, 3 * own
        rows.append(row)
    note = KnownNote("", (Finding(SEEN),), Sex.UNKNOWN, None, (MARFAN,), source)
    return ScoredNote(note, rows[0], rows[1], rows[2], read_count=1)


def test_each_way_is_counted_by_itself(real_graph: CompiledGraph) -> None:
    tally = Tally(real_graph)
    tally.count(scored(real_graph, given=40.0, read=0.0, text=40.0, source=SYNTHETIC), WEIGHTS)
    tally.count(scored(real_graph, given=19.0, read=30.0, text=15.0, source=SYNTHETIC), WEIGHTS)
    ways = tally.report()[SYNTHETIC]
    assert [ways[way].top1 for way in (FINDINGS, TEXT, GRAPH, FUSED)] == [0.5, 0.5, 0.5, 0.5]
    assert ways[FINDINGS].top5 == 1.0
    assert ways[GRAPH].top5 == 0.5  # no finding pointed at it: thousands share its place
    assert ways[FUSED].n == 2


def test_certainty_that_comes_true_half_the_time_is_an_error_of_a_half(real_graph: CompiledGraph) -> None:
    tally = Tally(real_graph)
    for own in (60.0, 0.0):
        tally.count(scored(real_graph, given=own, read=own, text=own, source=SYNTHETIC), WEIGHTS)
    found = tally.report()[SYNTHETIC][FINDINGS]
    assert found.stated == pytest.approx(1.0, abs=0.01)
    assert found.ece == pytest.approx(0.5, abs=0.01)


def test_all_published_cases_count_with_their_article_and_without(real_graph: CompiledGraph) -> None:
    tally = Tally(real_graph)
    for source in (PUBLISHED, LEFT_OUT, UNSEEN):
        tally.count(scored(real_graph, given=40.0, read=40.0, text=40.0, source=source), WEIGHTS)
    report = tally.report()
    assert {source: ways[FUSED].n for source, ways in report.items()} == {PUBLISHED: 2, UNSEEN: 2}


def test_nothing_to_measure_on_is_refused(real_graph: CompiledGraph) -> None:
    with pytest.raises(UsageError, match="no note"):
        Tally(real_graph).report()


def cases() -> Iterator[Case]:
    for number in range(9):
        pmid = "PMID:20591885" if number else "PMID:1"
        yield Case(MARFAN, observed=["HP:0001166", "HP:0001519"], excluded=["HP:0001249"], pmid=pmid)
    yield Case("OMIM:9", observed=["HP:0001166"])


def test_a_case_is_told_in_words_of_its_findings(real_graph: CompiledGraph) -> None:
    rng = np.random.default_rng(0)
    notes = list(published_notes(real_graph, cases(), count=50, styles=MEASURED_STYLES, rng=rng))
    assert len(notes) == 3  # few of one disease, none of an unknown one
    for note in notes:
        assert note.truths == (MARFAN,)
        assert [f.state for f in note.findings] == [FindingState.OBSERVED] * 2 + [FindingState.EXCLUDED]
        assert "Marfan" not in note.text
        assert note.source in (PUBLISHED, UNSEEN)


def test_what_is_measured_is_told_in_other_styles_than_what_is_fitted(real_graph: CompiledGraph) -> None:
    assert FIT_STYLE not in MEASURED_STYLES
    drawn = [
        [n.text for n in synthetic_notes(real_graph, count=3, styles=s, rng=np.random.default_rng(5))]
        for s in (MEASURED_STYLES, MEASURED_STYLES, (FIT_STYLE,))
    ]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "by --cases, or a number of synthetic notes by --notes"),
        ("--notes 0", "--notes must be at least 1"),
        ("--fit-fusion w", "--fit-fusion needs --cases"),
        ("--fit-sets w --fit-weights w --cases c", "one file at a time"),
    ],
)
def test_evaluate_without_what_it_needs_is_refused(
    words: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *words.split()]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.slow
def test_fused_notes_are_read_better_than_the_text_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--notes", "16", "--json"]) == 0
    ways = json.loads(capsys.readouterr().out)[SYNTHETIC]
    assert set(ways) == {FINDINGS, TEXT, GRAPH, FUSED}
    assert ways[FUSED]["top5"] >= ways[TEXT]["top5"]
    assert ways[FUSED]["top5"] >= 0.5


def test_a_case_comes_again_without_its_own_article(real_graph: CompiledGraph, public_cache: Path) -> None:
    service = DiagnosisService.load(public_cache)
    rows = real_graph.associations
    article = next(
        real_graph.texts[r]
        for r in rows.reference[rows.rows_of(real_graph.disease_number(MARFAN))].tolist()
        if real_graph.texts[r].startswith("PMID:")
    )
    finding = Finding(SEEN)
    note = KnownNote(
        "Long fingers.", (finding,), Sex.UNKNOWN, None, (MARFAN,), PUBLISHED, frozenset({article})
    )
    kept, left_out = score_notes(service, [note])
    assert (kept.note.source, left_out.note.source) == (PUBLISHED, LEFT_OUT)
    looks = UnseenLooks.load().of(MARFAN)
    for one, unknown in ((kept, set[str]()), (left_out, {article})):
        scores = DroppedPublication(real_graph).rank([finding], unknown, looks=looks)
        assert np.array_equal(one.given, scores.total)
    assert not np.array_equal(kept.given, rank(real_graph, [finding]).total)  # the shipped looks know it
    assert not np.array_equal(kept.given, left_out.given)
    assert np.array_equal(kept.text, left_out.text)

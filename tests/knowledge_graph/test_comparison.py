"""What tells diseases apart: open findings by the gap between their shares, ids of one disease together."""

import pytest

from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rationale.comparison import telling_apart
from knowledge_graph.terms.term import TermId
from tests.knowledge_graph.mini_release import mini_graph

FOCAL, FEVER, ITCHY = (TermId(f"HP:00000{n}") for n in (11, 20, 31))


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def test_the_widest_gap_is_first(graph: CompiledGraph) -> None:
    found = telling_apart(graph, [], [[0], [1]])
    assert [(row.term_id, row.shares) for row in found] == [
        (ITCHY, (0.0, pytest.approx(0.9, abs=0.01))),
        (FOCAL, (pytest.approx(10 / 14), 0.0)),
        (FEVER, (pytest.approx(0.5), pytest.approx(0.25))),
    ]
    assert [row.term_id for row in telling_apart(graph, [], [[0], [1]], count=1)] == [ITCHY]


def test_what_is_settled_or_alike_is_left_out(graph: CompiledGraph) -> None:
    findings = [Finding(ITCHY), Finding(TermId("HP:0000010"), FindingState.EXCLUDED)]
    assert [row.term_id for row in telling_apart(graph, findings, [[0], [1]])] == [FEVER]
    assert telling_apart(graph, [], [[0], [0]]) == ()


def test_ids_of_one_disease_show_what_any_of_them_shows(graph: CompiledGraph) -> None:
    (row,) = [r for r in telling_apart(graph, [], [[0, 1], [2]]) if r.term_id == ITCHY]
    assert row.shares[0] == pytest.approx(0.9, abs=0.01)
    assert row.shares[1:] == (0.0,)

"""Published cases as a hospital's patients: who is judged shares no publication with those learned from."""

import numpy as np
import pytest

from app.errors import UsageError
from app.workflows.case_hospital import case_hospital, in_turn, split
from app.workflows.evaluate_cases import Case
from app.workflows.write_notes import LEFT_OUT
from knowledge_graph.graph.compiled_graph import CompiledGraph

MARFAN, NEUROFIBROMATOSIS = "OMIM:154700", "OMIM:162200"
FINDINGS = {MARFAN: ["HP:0001166", "HP:0001519"], NEUROFIBROMATOSIS: ["HP:0000957", "HP:0009732"]}


def case(disease: str, *publications: str) -> Case:
    """One person with two findings."""
    return Case(disease, observed=FINDINGS[disease], pmid=publications[0], refs=list(publications))


def some(disease: str, articles: int, people: int = 3) -> list[Case]:
    """People of several articles."""
    return [case(disease, f"PMID:{disease[-4:]}{n}") for n in range(articles) for _ in range(people)]


def test_a_publication_is_on_one_side_alone() -> None:
    cases = [
        *some(MARFAN, 6),
        case(MARFAN, "PMID:47000", "PMID:47005"),
        case(MARFAN, "PMID:47001", "PMID:47002"),
    ]
    for seed in range(20):
        told, new = split(cases, np.random.default_rng(seed))
        assert told
        assert not {p for c in told for p in c.publications} & {p for c in new for p in c.publications}
        assert len(told) + len(new) <= len(cases)
    assert len(split(some(MARFAN, 6), np.random.default_rng(0))[1]) == 6


def test_lists_are_gone_through_in_turn() -> None:
    a, b, c = (case(MARFAN, f"PMID:{n}") for n in "abc")
    assert list(in_turn([[a, b], [], [c]])) == [a, c, b]


def test_a_hospital_learns_from_all_its_diseases_and_knows_nothing_by_its_publications(
    real_graph: CompiledGraph,
) -> None:
    cases = [*some(MARFAN, 4), *some(NEUROFIBROMATOSIS, 3), *some(MARFAN, 1)]
    place = case_hospital(
        real_graph, cases, (MARFAN, NEUROFIBROMATOSIS), patients=6, rng=np.random.default_rng(1)
    )
    assert place.diseases == (MARFAN, NEUROFIBROMATOSIS)
    assert (len(place.told), len(place.new)) == (6, 3)
    assert {note.source for note in (*place.told, *place.new)} == {LEFT_OUT}
    assert {note.truths[0] for note in place.told} == {MARFAN, NEUROFIBROMATOSIS}
    told, new = ({p for note in notes for p in note.publications} for notes in (place.told, place.new))
    assert not told & new
    again = case_hospital(
        real_graph, cases, (MARFAN, NEUROFIBROMATOSIS), patients=6, rng=np.random.default_rng(1)
    )
    assert again == place


def test_cases_that_cannot_be_split_are_refused(real_graph: CompiledGraph) -> None:
    for cases, known in ((some(MARFAN, 1), MARFAN), (some(MARFAN, 3), NEUROFIBROMATOSIS)):
        with pytest.raises(UsageError, match="give more cases"):
            case_hospital(real_graph, cases, (known,), patients=6, rng=np.random.default_rng(1))

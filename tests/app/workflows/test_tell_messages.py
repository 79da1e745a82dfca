"""Synthetic patients write for advice: few complaints of their own, at times one of another cause."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from app.workflows.everyday_notes import EverydayNotes
from app.workflows.load_knowledge import KnowledgeChoice, load_graph
from app.workflows.tell_messages import MOST_TOLD, PUBLIC_MESSAGES, everyday_messages, public_messages
from app.workflows.write_notes import KnownNote
from knowledge_graph.graph.cache import load_compiled
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId
from ml.text.own_words import in_own_words

pytestmark = pytest.mark.slow
GOUT, MIGRAINE = DiseaseId("COMMON:gout"), DiseaseId("COMMON:migraine")


@pytest.fixture(scope="module")
def graph(public_cache: Path) -> CompiledGraph:
    return load_graph(public_cache, KnowledgeChoice())


def messages(graph: CompiledGraph, count: int = 120) -> list[KnownNote]:
    rng = np.random.default_rng(4)
    return list(everyday_messages(graph, count=count, rng=rng, diseases=[GOUT, MIGRAINE]))


def test_few_complaints_are_told_and_some_belong_to_something_else(graph: CompiledGraph) -> None:
    told = messages(graph)
    rows = graph.associations
    own = {d: set(rows.term[rows.rows_of(graph.disease_number(d))].tolist()) for d in (GOUT, MIGRAINE)}
    strange = Counter[bool]()
    for note in told:
        lineage = {int(a) for t in own[note.truths[0]] for a in graph.ancestors[t]}
        elsewhere = [f for f in note.findings if graph.term_number(f.term_id) not in lineage]
        assert len(note.findings) > len(elsewhere)
        strange[bool(elsewhere)] += 1
    assert sum(len(note.findings) <= MOST_TOLD for note in told) > 0.8 * len(told)
    assert 0.2 < strange[True] / len(told) < 0.7


def test_they_are_what_a_patient_can_know_and_mostly_in_the_first_person(graph: CompiledGraph) -> None:
    everyday, told = EverydayNotes(graph), messages(graph)
    assert all(f.term_id in everyday.told for note in told for f in note.findings)
    assert sum(in_own_words([note.text]) for note in told) > len(told) / 2


def test_the_same_numbers_draw_the_same_messages(graph: CompiledGraph) -> None:
    assert messages(graph, 20) == messages(graph, 20)
    assert all(one.text != other.text for one, other in pairwise(messages(graph, 20)))


def test_public_messages_are_always_the_same_and_of_another_style_than_is_judged(
    graph: CompiledGraph,
) -> None:
    told = public_messages(graph)
    assert told == public_messages(graph)
    assert 0.8 * PUBLIC_MESSAGES < len(set(told)) <= PUBLIC_MESSAGES
    assert not set(told) & {note.text for note in messages(graph)}


def test_a_graph_without_packs_tells_no_public_messages(public_cache: Path) -> None:
    assert public_messages(load_compiled(public_cache)) == ()

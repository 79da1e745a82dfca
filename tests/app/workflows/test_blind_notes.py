"""The notes written blind name terms that exist, and are read no worse than they were."""

import pytest

from app.workflows.evaluate_blind_notes import VOICES, blind_notes, measure_blind_notes
from app.workflows.suggest_findings import build_recogniser
from knowledge_graph.graph.compiled_graph import CompiledGraph

pytestmark = pytest.mark.slow


def test_each_voice_is_heard_in_each_set() -> None:
    assert len(blind_notes()["blind"]) == 150
    for notes in blind_notes().values():
        assert {note.voice for note in notes} == set(VOICES)


def test_they_are_read_no_worse_than_they_were(real_graph: CompiledGraph) -> None:
    measured = measure_blind_notes(build_recogniser(real_graph), real_graph)
    assert measured["blind_recall"] >= 0.85  # type: ignore[operator]
    assert measured["blind_precision"] >= 0.9  # type: ignore[operator]

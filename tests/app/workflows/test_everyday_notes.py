"""Synthetic patients tell what a patient can know, in everyday words, at the ages that their disease has."""

from pathlib import Path

import numpy as np
import pytest

from app.workflows.everyday_notes import EverydayNotes
from app.workflows.load_knowledge import KnowledgeChoice, load_graph
from app.workflows.pack_rows import PackNotes, PackPlan
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.findings.finding import Finding, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.terms.term import DiseaseId, TermId
from ml.registry.starting_model import starting_version

pytestmark = pytest.mark.slow
DYSPNEA, OPACITY = "HP:0002094", "HP:0031457"  # of the lung


@pytest.fixture(scope="module")
def graph(public_cache: Path) -> CompiledGraph:
    return load_graph(public_cache, KnowledgeChoice())


def patient(*terms: str, years: int = 40) -> SampledPatient:
    findings = tuple(Finding(TermId(t)) for t in terms)
    return SampledPatient(DiseaseId("COMMON:sepsis"), findings, Sex.FEMALE, years * 366)


def test_a_patient_tells_what_laypeople_have_words_for(graph: CompiledGraph) -> None:
    notes, rng = EverydayNotes(graph), np.random.default_rng(0)
    for _ in range(20):
        text = notes.write(patient(DYSPNEA, OPACITY), rng).lower()
        assert any(word in text for word in ("breath", "winded"))
        assert "opacity" not in text
    assert notes.write(patient(OPACITY), rng) == ""


def test_parents_tell_of_a_child(graph: CompiledGraph) -> None:
    notes, rng = EverydayNotes(graph), np.random.default_rng(0)
    assert not any(" I " in notes.write(patient(DYSPNEA, years=3), rng)[:60] for _ in range(20))


def test_patients_of_the_pack_have_the_ages_that_it_states(graph: CompiledGraph) -> None:
    stated = [(d, fact.ages) for d, fact in graph.facts.items() if fact.ages and d.startswith("COMMON:")]
    assert stated
    for disease, (youngest, oldest) in stated[:40]:
        for one in sample_patients(graph, count=5, rng=np.random.default_rng(1), diseases=[disease]):
            assert youngest - 1 <= one.age_days / 365.25 <= oldest + 1


def test_the_same_seed_writes_the_same_notes_of_both(graph: CompiledGraph) -> None:
    plan = PackPlan(notes_per_condition=2, other_notes=20)
    texts, rows = PackNotes(graph, seed=3).training(plan)
    assert (texts, rows) == PackNotes(graph, seed=3).training(plan)
    known = len(graph.disease_ids) - len(PackNotes(graph, seed=3).pack)
    assert {row >= known for row in rows} == {False, True}
    assert texts != PackNotes(graph, seed=4).training(plan)[0]


def test_the_starting_model_has_a_row_for_each_disease_of_graph_and_pack(graph: CompiledGraph) -> None:
    """Where it lacks one: `anamnesis build-model --pack`."""
    assert starting_version().labels == graph.disease_ids

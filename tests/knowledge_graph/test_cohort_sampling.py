"""Synthetic patients follow the graph's frequencies and depend on the generator alone."""

from collections import Counter

import numpy as np
import pytest

from knowledge_graph.cohort.recording_habits import RecordingHabits
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.findings.finding import FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.graph.profile import direct_frequencies
from knowledge_graph.terms.term import DiseaseId

MARFAN = DiseaseId("OMIM:154700")
pytestmark = pytest.mark.slow


def test_the_same_generator_gives_the_same_patients(real_graph: CompiledGraph) -> None:
    first = list(sample_patients(real_graph, count=50, rng=np.random.default_rng(7)))
    assert first == list(sample_patients(real_graph, count=50, rng=np.random.default_rng(7)))
    assert first != list(sample_patients(real_graph, count=50, rng=np.random.default_rng(8)))


def test_every_patient_has_an_observed_finding_and_no_contradiction(real_graph: CompiledGraph) -> None:
    for patient in sample_patients(real_graph, count=2000, rng=np.random.default_rng(1)):
        observed = [f.term_id for f in patient.findings if f.state is FindingState.OBSERVED]
        excluded = [f.term_id for f in patient.findings if f.state is FindingState.EXCLUDED]
        assert observed
        assert len(set(observed) | set(excluded)) == len(patient.findings)
        assert not any(real_graph.is_a(o, e) for o in observed for e in excluded)


def test_exact_patients_show_each_term_as_often_as_the_graph_says(real_graph: CompiledGraph) -> None:
    count = 3000
    sample = sample_patients(
        real_graph,
        count=count,
        rng=np.random.default_rng(2),
        diseases=[MARFAN],
        habits=RecordingHabits.exact(),
    )
    seen = Counter(f.term_id for p in sample for f in p.findings)
    rows = real_graph.associations
    disease, term, frequency = direct_frequencies(rows, ~rows.excluded)
    own = disease == real_graph.disease_number(MARFAN)
    for number, expected in zip(term[own].tolist(), frequency[own].tolist(), strict=True):
        assert seen[real_graph.term_ids[number]] / count == pytest.approx(expected, abs=0.05)


def test_findings_of_the_other_sex_are_not_given(real_graph: CompiledGraph) -> None:
    male = "HP:0010461"
    women = [
        p
        for p in sample_patients(real_graph, count=3000, rng=np.random.default_rng(3))
        if p.sex is Sex.FEMALE
    ]
    wrong = sum(real_graph.is_a(f.term_id, male) for p in women for f in p.findings)
    findings = sum(len(p.findings) for p in women)
    assert wrong / findings < 0.005


def test_patients_have_only_the_diseases_asked_for(real_graph: CompiledGraph) -> None:
    sample = sample_patients(real_graph, count=20, rng=np.random.default_rng(4), diseases=[MARFAN])
    assert {p.disease_id for p in sample} == {MARFAN}

"""Synthetic patients are drawn from the graph, and their notes say truly where findings stand."""

import numpy as np
import pytest

from knowledge_graph.cohort.note_writer import names_in, note_styles, write_note
from knowledge_graph.cohort.patient_sampler import PatientSampler, SamplingNoise, sample_patients
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.graph.compiled_graph import CompiledGraph
from tests.knowledge_graph.mini_release import mini_graph


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> CompiledGraph:
    return mini_graph(tmp_path_factory.mktemp("mini"))


def test_a_seed_gives_the_same_cohort(graph: CompiledGraph) -> None:
    one, two = (
        list(sample_patients(graph, count=6, rng=np.random.default_rng(7), diseases=["OMIM:1", "OMIM:2"]))
        for _ in range(2)
    )
    assert one == two
    assert [p.disease_id for p in one] == ["OMIM:1", "OMIM:2"] * 3


def test_terms_are_shown_as_often_as_recorded(graph: CompiledGraph) -> None:
    exact = SamplingNoise(imprecise=0, omitted=0, incidental=0, excluded=0)
    sampler = PatientSampler(graph, noise=exact)
    rng = np.random.default_rng(1)
    drawn = [sampler.draw("OMIM:2", rng) for _ in range(3000)]
    itchy = np.mean([any(f.term_id == "HP:0000031" for f in p.findings) for p in drawn])
    assert itchy == pytest.approx(0.9 + 0.1 * 0.75 * 0.5, abs=0.02)  # alone where nothing else was drawn


def test_no_finding_is_both_observed_and_excluded(real_graph: CompiledGraph) -> None:
    for patient in sample_patients(real_graph, count=200, rng=np.random.default_rng(2)):
        observed = {f.term_id for f in patient.findings if f.state is FindingState.OBSERVED}
        implied = {a for t in observed for a in real_graph.ancestors[real_graph.term_number(t)].tolist()}
        excluded = {f.term_id for f in patient.findings if f.state is FindingState.EXCLUDED}
        assert observed
        assert not implied & {real_graph.term_number(t) for t in excluded}


@pytest.mark.parametrize("style", sorted(note_styles()))
def test_spans_hold_the_words_of_their_findings(real_graph: CompiledGraph, style: str) -> None:
    rng = np.random.default_rng(3)
    names = names_in(real_graph)
    for patient in sample_patients(real_graph, count=20, rng=rng):
        note = write_note(patient, names, rng=rng, style=note_styles()[style])
        assert "{" not in note.text
        assert len(note.findings) == len(patient.findings)
        for mark in note.findings:
            words = note.text[mark.start : mark.end].casefold()
            assert words in {name.casefold() for name in names(mark.term_id)}

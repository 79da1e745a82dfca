"""The synthetic hospital: real FHIR files, nobody's data, and a clinician who knows the truth."""

import json
from pathlib import Path

import numpy as np
import pytest

from app.clinical.annotation import current_annotations
from app.workflows.annotate_synthetic import annotate_synthetic
from app.workflows.import_records import ImportReport, import_records
from app.workflows.read_laboratory import out_of_range
from app.workflows.suggest_findings import build_recogniser
from app.workflows.write_hospital import (
    Hospital,
    HospitalPlan,
    choose_diseases,
    given_names,
    sample_hospital,
    write_hospital,
)
from knowledge_graph.findings.finding import FindingState, Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from tests.app.workflows.training_site import empty_vault

pytestmark = pytest.mark.slow
COUNT = 12


@pytest.fixture(scope="module")
def hospital(real_graph: CompiledGraph) -> Hospital:
    rng = np.random.default_rng(3)
    diseases = choose_diseases(real_graph, 6, rng)
    return sample_hospital(real_graph, HospitalPlan("north", tuple(diseases), COUNT), rng=rng)


def test_the_same_seed_gives_the_same_hospital(real_graph: CompiledGraph, hospital: Hospital) -> None:
    rng = np.random.default_rng(3)
    again = sample_hospital(
        real_graph, HospitalPlan("north", tuple(choose_diseases(real_graph, 6, rng)), COUNT), rng=rng
    )
    assert again == hospital


def test_spans_stand_where_the_notes_say_so(hospital: Hospital) -> None:
    for text, spans in hospital.spans_by_text.items():
        assert spans
        for span in spans:
            assert 0 <= span.start < span.end <= len(text)
            assert text[span.start : span.end].strip() == text[span.start : span.end]


def test_a_name_goes_with_the_sex(hospital: Hospital) -> None:
    patients = [patient.chart.patient for patient in hospital.patients.values()]
    assert {Sex.FEMALE, Sex.MALE} <= {patient.sex for patient in patients}
    assert all(patient.name.split()[0] in given_names(patient.sex) for patient in patients)
    assert not set(given_names(Sex.FEMALE)) & set(given_names(Sex.MALE))


def test_laboratory_values_agree_with_the_findings(hospital: Hospital) -> None:
    for patient in hospital.patients.values():
        observed = {f.term_id for f in patient.sampled.findings if f.state is FindingState.OBSERVED}
        low = {o.label for o in patient.chart.observations if out_of_range(o) == "low"}
        assert ("Hemoglobin" in low) == ("HP:0001903" in observed)


def test_files_are_bundles_that_import_whole(hospital: Hospital, tmp_path: Path) -> None:
    files = write_hospital(hospital, tmp_path / "fhir")
    assert len(files) == COUNT
    kinds = [e["resource"]["resourceType"] for f in files for e in json.loads(f.read_text())["entry"]]
    with empty_vault(tmp_path / "v.vault") as vault:
        *_, report = import_records(vault, [tmp_path / "fhir"])
        assert isinstance(report, ImportReport)
        assert sum(report.imported.values()) == len(kinds)
        assert not report.refused
        assert vault.patient_count() == COUNT


def test_the_clinician_leaves_exactly_the_truth_in_the_log(
    real_graph: CompiledGraph, hospital: Hospital, tmp_path: Path, public_cache: Path
) -> None:
    write_hospital(hospital, tmp_path / "fhir")
    with empty_vault(tmp_path / "v.vault") as vault:
        list(import_records(vault, [tmp_path / "fhir"]))
        recogniser = build_recogniser(real_graph, public_cache)
        *_, report = annotate_synthetic(vault, hospital, real_graph, recogniser, leave=2)
        assert report.deeds["confirmed"] == COUNT - 2 == len(vault.labelled_patients())
        for patient_id in vault.labelled_patients():
            marks = current_annotations(vault.annotation_events(patient_id))
            for note in vault.chart(patient_id).notes:
                standing = {(m.term_id, m.state) for m in marks if m.note_id == note.id and not m.rejected}
                truth = {(s.term_id, s.state) for s in hospital.spans_by_text[note.text]}
                assert standing == truth

"""Writes a synthetic hospital: patients sampled from public knowledge, as FHIR bundles on disk.

Nobody's data: names, numbers and notes are made here. The truth (which disease, where each finding
stands in which note) stays in memory, for the synthetic clinician and for measuring.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from app.clinical.chart import Chart
from app.clinical.ids import EncounterId, NoteId, PatientId, record_id
from app.clinical.note import Note
from app.clinical.patient import Identifier, Patient
from app.clinical.record import Encounter
from app.exchange.fhir_writer import transaction_bundle
from app.workflows.load_rules import laboratory_rules
from app.workflows.sample_laboratory import sample_laboratory
from knowledge_graph.cohort.note_style import read_note_styles
from knowledge_graph.cohort.note_writing import FindingSpan, WrittenNote, choose_style, write_note
from knowledge_graph.cohort.patient import SampledPatient
from knowledge_graph.cohort.sampling import sample_patients
from knowledge_graph.cohort.wording import graph_term_names
from knowledge_graph.findings.finding import Sex
from knowledge_graph.graph.compiled_graph import CompiledGraph
from knowledge_graph.rules.laboratory import by_loinc
from knowledge_graph.terms.term import DiseaseId

RECORD_NUMBER_SYSTEM = "urn:anamnesis:synthetic-hospital"
FIRST_DAY = date(2024, 1, 8)
FEWEST_TERMS = 6
_ANYONES = "Alex Kim Noa Robin Sam"
_GIVEN = {
    Sex.FEMALE: "Ada Cleo Edda Gesa Ines Kaya Mira Olga Pia Sena Una Vera",
    Sex.MALE: "Ben Dov Emil Finn Hugo Jonas Levi Nils Omar Ravi Tom Wim",
}
_FAMILY = (
    "Abel Brandt Castel Demir Eklund Farrow Grau Hobart Ilves Jansen Korda Lindt Moreau Novak Oduya Petrov "
    "Quist Rossi Sander Tanaka Urban Vogel Weiss Yilmaz Zeman"
)
_PLACES = ("Outpatient clinic", "Genetics clinic", "Ward round", "Emergency department", "Follow-up")


@dataclass(frozen=True, slots=True)
class SyntheticPatient:
    """One invented person: her truth, her notes with their spans, and the chart that is exported."""

    record_number: str
    sampled: SampledPatient
    notes: tuple[WrittenNote, ...]
    chart: Chart


@dataclass(frozen=True, slots=True)
class HospitalPlan:
    """A site's name, the diseases its patients have, how many they are, visits of each (1 or 2)."""

    site: str
    diseases: tuple[DiseaseId, ...]
    count: int
    most_visits: int = 2


@dataclass(frozen=True, slots=True)
class Hospital:
    """All patients of a site, by the number that their identifier holds."""

    patients: dict[str, SyntheticPatient]
    spans_by_text: dict[str, tuple[FindingSpan, ...]]


def choose_diseases(graph: CompiledGraph, count: int, rng: np.random.Generator) -> list[DiseaseId]:
    """Diseases with enough described findings, the OMIM ones, chosen by `rng` alone."""
    rows = graph.associations
    rich = [
        disease
        for number, disease in enumerate(graph.disease_ids)
        if disease.startswith("OMIM:")
        and np.count_nonzero(~rows.excluded[rows.rows_of(number)]) >= FEWEST_TERMS
    ]
    return sorted(rich[i] for i in rng.choice(len(rich), count, replace=False))


def sample_hospital(graph: CompiledGraph, plan: HospitalPlan, *, rng: np.random.Generator) -> Hospital:
    """Invent a site's patients, with notes in varied styles."""
    names, styles = graph_term_names(graph), read_note_styles()
    rules = by_loinc(laboratory_rules())
    patients: dict[str, SyntheticPatient] = {}
    spans: dict[str, tuple[FindingSpan, ...]] = {}
    drawn = sample_patients(graph, count=plan.count, rng=rng, diseases=plan.diseases)
    for number, sampled in enumerate(drawn, 1):
        notes = tuple(
            write_note(part, names, rng=rng, style=choose_style(styles, rng))
            for part in _visits(sampled, plan.most_visits, rng)
        )
        record_number = f"{plan.site}-{number:04}"
        chart = _chart(record_number, sampled, notes, rng)
        panel = sample_laboratory(chart.patient.id, chart.encounters[-1], sampled.findings, rng, rules=rules)
        patients[record_number] = SyntheticPatient(
            record_number, sampled, notes, replace(chart, observations=panel)
        )
        spans |= {note.text: note.spans for note in notes}
    return Hospital(patients, spans)


def write_hospital(hospital: Hospital, folder: Path) -> list[Path]:
    """One FHIR R4 transaction bundle a patient; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for patient in hospital.patients.values():
        path = folder / f"{patient.record_number}.json"
        path.write_text(json.dumps(transaction_bundle(patient.chart), ensure_ascii=False), encoding="utf-8")
        written.append(path)
    return written


def given_names(sex: Sex) -> list[str]:
    """What somebody of a sex is called here; names that are anybody's where it is neither of two."""
    return _GIVEN.get(sex, _ANYONES).split()


def _visits(sampled: SampledPatient, most: int, rng: np.random.Generator) -> Iterator[SampledPatient]:
    """Her findings over one or two visits; the second tells what the first did not, and a little again."""
    findings = sampled.findings
    if most < 2 or len(findings) < 4 or rng.random() < 0.5:
        yield sampled
        return
    cut = int(rng.integers(2, len(findings) - 1))
    yield replace(sampled, findings=findings[:cut])
    yield replace(sampled, findings=findings[cut - 1 :], family_terms=(), considered_terms=())


def _chart(
    record_number: str, sampled: SampledPatient, notes: Sequence[WrittenNote], rng: np.random.Generator
) -> Chart:
    patient_id = PatientId(record_id("synthetic", record_number))
    newest = FIRST_DAY + timedelta(days=int(rng.integers(0, 700)))
    days = [newest - timedelta(days=60 * (len(notes) - 1 - i)) for i in range(len(notes))]
    places = [str(rng.choice(_PLACES)) for _ in notes]
    encounters = tuple(
        Encounter(
            id=EncounterId(record_id("encounter", record_number, str(i))),
            patient_id=patient_id,
            kind=place,
            started_at=f"{day.isoformat()}T09:00:00Z",
            ended_at=f"{day.isoformat()}T09:40:00Z",
        )
        for i, (day, place) in enumerate(zip(days, places, strict=True))
    )
    return Chart(
        patient=Patient(
            id=patient_id,
            name=f"{rng.choice(given_names(sampled.sex))} {rng.choice(_FAMILY.split())}",
            birth_date=(newest - timedelta(days=sampled.age_days)).isoformat(),
            sex=sampled.sex,
            identifiers=(Identifier(RECORD_NUMBER_SYSTEM, record_number),),
        ),
        encounters=encounters,
        notes=tuple(
            Note(
                id=NoteId(record_id("note", record_number, str(i))),
                patient_id=patient_id,
                text=note.text,
                title=f"{place} note",
                written_at=encounter.started_at,
                encounter_id=encounter.id,
            )
            for i, (note, place, encounter) in enumerate(zip(notes, places, encounters, strict=True))
        ),
    )

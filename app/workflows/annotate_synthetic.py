"""The synthetic clinician: corrects the program's marks by what the invented notes really say.

She accepts a suggestion that says the truth, rejects one that does not, adds what was missed, and
confirms the disease. Every deed is an ordinary annotation event or diagnosis in the vault.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from app.clinical.age import age_days_at
from app.clinical.annotation import Annotation, AnnotationAction, AnnotationEvent
from app.clinical.chart import Chart
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import AnnotationId, record_id
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.store.clock import system_clock
from app.store.vault import Vault
from app.workflows.suggest_findings import Suggestion, suggest_findings
from app.workflows.write_hospital import RECORD_NUMBER_SYSTEM, Hospital, SyntheticPatient
from knowledge_graph.cohort.note_writing import FindingSpan
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.recognition.recogniser import Recogniser


@dataclass(frozen=True, slots=True)
class AnnotationReport:
    """How far she is, and what she did: accepted, rejected, added, confirmed."""

    done: int
    patients: int
    deeds: dict[str, int]


def annotate_synthetic(
    vault: Vault, hospital: Hospital, graph: CompiledGraph, recogniser: Recogniser, *, leave: int
) -> Iterator[AnnotationReport]:
    """Annotate and decide all patients but the last `leave`, who wait for a person at the window."""
    clinician = _Clinician(vault, graph, recogniser, hospital)
    waiting = set(sorted(hospital.patients)[len(hospital.patients) - leave :])
    rows = vault.patients(limit=len(hospital.patients) + 1000)
    deeds: Counter[str] = Counter()
    for done, row in enumerate(rows, 1):
        chart = vault.chart(row.id)
        patient = hospital.patients.get(_record_number(chart))
        if patient is not None and patient.record_number not in waiting:
            deeds += clinician.work(chart, patient)
        yield AnnotationReport(done, len(rows), dict(deeds))


@dataclass(frozen=True, slots=True)
class _Clinician:
    vault: Vault
    graph: CompiledGraph
    recogniser: Recogniser
    hospital: Hospital

    def work(self, chart: Chart, patient: SyntheticPatient) -> Counter[str]:
        deeds: Counter[str] = Counter()
        for note in chart.notes:
            events = self._events(chart.patient, note)
            self.vault.append_annotations([event for _, event in events])
            deeds.update(deed for deed, _ in events)
        disease_id = patient.sampled.disease_id
        name = self.graph.disease_names[self.graph.disease_number(disease_id)]
        self.vault.record_diagnosis(
            Diagnosis(chart.patient.id, disease_id, name, Decision.CONFIRMED, self.vault.user, system_clock())
        )
        deeds["confirmed"] += 1
        return deeds

    def _events(self, patient: Patient, note: Note) -> list[tuple[str, AnnotationEvent]]:
        truth = self.hospital.spans_by_text.get(note.text, ())
        age = age_days_at(patient.birth_date, note.written_at)
        suggestions = suggest_findings(
            self.recogniser, self.graph, note_id=note.id, text=note.text, age_days=age
        )
        right = [s for s in suggestions if any(_says(s, span) for span in truth)]
        wrong = [s for s in suggestions if s not in right]
        missed = [span for span in truth if not any(_says(s, span) for s in right)]
        return [
            *(("accepted", self._event(AnnotationAction.ADD, s.annotation)) for s in right),
            *(("rejected", self._event(AnnotationAction.REJECT, s.annotation)) for s in wrong),
            *(("added", self._event(AnnotationAction.ADD, _mark(note, span))) for span in missed),
        ]

    def _event(self, action: AnnotationAction, mark: Annotation) -> AnnotationEvent:
        return AnnotationEvent(action, mark, self.vault.user, system_clock())


def _says(suggestion: Suggestion, span: FindingSpan) -> bool:
    mark = suggestion.annotation
    overlaps = mark.start < span.end and span.start < mark.end
    return overlaps and mark.term_id == span.term_id and mark.state is span.state


def _mark(note: Note, span: FindingSpan) -> Annotation:
    mark_id = AnnotationId(record_id("by-hand", note.id, str(span.start), str(span.end), span.term_id))
    return Annotation(mark_id, note.id, span.start, span.end, span.term_id, span.state)


def _record_number(chart: Chart) -> str:
    return next((i.value for i in chart.patient.identifiers if i.system == RECORD_NUMBER_SYSTEM), "")

"""A patient's chart as it stands on the screen: records, log, history; all changes give a new value."""

from dataclasses import dataclass, field, replace

from app.clinical.annotation import Annotation, AnnotationEvent, current_annotations
from app.clinical.chart import Chart
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.gui.patient.history import DecisionStep, History, Step, logged_history, record_of
from app.store.rights import Right
from app.store.vault import Vault


@dataclass(frozen=True, slots=True)
class OpenChart:
    """A chart with its annotation log, the decisions, the history, and what the program suggests."""

    chart: Chart
    events: tuple[AnnotationEvent, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    history: History = field(default_factory=History)
    suggestions: dict[NoteId, tuple[Annotation, ...]] = field(default_factory=dict)

    def annotations(self, note_id: NoteId | None = None) -> tuple[Annotation, ...]:
        """The marks that stand (rejected ones included), of one note or of all."""
        return current_annotations(
            e for e in self.events if note_id is None or e.annotation.note_id == note_id
        )

    def open_suggestions(self, note_id: NoteId) -> tuple[Annotation, ...]:
        """Suggestions of a note that touch no mark, standing or rejected."""
        taken = [(mark.start, mark.end) for mark in self.annotations(note_id)]
        return tuple(
            s
            for s in self.suggestions.get(note_id, ())
            if not any(start < s.end and s.start < end for start, end in taken)
        )

    def decision(self, disease_id: str) -> Diagnosis | None:
        """The word that stands on a disease."""
        said = [d for d in self.diagnoses if d.disease_id == disease_id]
        return said[-1] if said and said[-1].decision is not Decision.WITHDRAWN else None

    def confirmed(self) -> tuple[Diagnosis, ...]:
        """The confirmed diseases."""
        names = dict.fromkeys(d.disease_id for d in self.diagnoses)
        standing = (self.decision(disease) for disease in names)
        return tuple(d for d in standing if d is not None and d.decision is Decision.CONFIRMED)

    def note(self, note_id: NoteId) -> Note:
        """One note of the chart."""
        return next(n for n in self.notes if n.id == note_id)

    @property
    def notes(self) -> tuple[Note, ...]:
        """All notes, oldest first, with those that were entered in error."""
        held = (*self.chart.notes, *self.chart.notes_in_error)
        return tuple(sorted(held, key=lambda note: (note.written_at, note.id)))


Change = tuple[OpenChart, AnnotationEvent | Diagnosis]


def read_open_chart(vault: Vault, patient_id: PatientId) -> OpenChart:
    """The chart with its logs. Raises PolicyError where the role may not."""
    vault.require(Right.CHARTS)
    chart = vault.chart(patient_id)
    events = vault.annotation_events(patient_id)
    return OpenChart(chart, events, chart.diagnoses, logged_history(events, chart.diagnoses))


def do(opened: OpenChart, step: Step, *, author: str, at: str) -> Change:
    """A new deed: the chart after it, and the entry to append."""
    return _after(replace(opened, history=opened.history.with_step(step)), step, author=author, at=at)


def undo(opened: OpenChart, *, author: str, at: str) -> Change | None:
    """One step back, or None at the beginning."""
    back = opened.history.undo()
    return None if back is None else _after(replace(opened, history=back[0]), back[1], author=author, at=at)


def redo(opened: OpenChart, *, author: str, at: str) -> Change | None:
    """One step forward again, or None where nothing was undone."""
    on = opened.history.redo()
    return None if on is None else _after(replace(opened, history=on[0]), on[1], author=author, at=at)


def append(vault: Vault, record: AnnotationEvent | Diagnosis) -> None:
    """Append a log entry to the vault."""
    if isinstance(record, Diagnosis):
        vault.record_diagnosis(record)
    else:
        vault.append_annotations([record])


def _after(opened: OpenChart, step: Step, *, author: str, at: str) -> Change:
    record = record_of(step, author=author, at=at)
    if isinstance(record, Diagnosis):
        assert isinstance(step, DecisionStep)
        return replace(opened, diagnoses=(*opened.diagnoses, record)), record
    return replace(opened, events=(*opened.events, record)), record

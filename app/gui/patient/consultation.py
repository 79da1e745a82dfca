"""Asks the assistant about the chart on the desk, off the window's thread, and keeps its opinion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.clinical.annotation import Annotation
from app.clinical.diagnosis import DifferentialLine
from app.clinical.ids import NoteId, PatientId
from app.gui.assistant import Assistant, Opinion, StillReading
from app.gui.operations.runner import Failure
from app.gui.patient.chart_desk import ChartDesk
from app.gui.session import OpenSession
from knowledge_graph.rationale.evidence_graph import EvidenceGraph

RANK_PAUSE_MS = 150


@dataclass(frozen=True)
class Hearing:
    """What the page does with what the assistant says."""

    suggested: Callable[[], object]
    ranking: Callable[[], object]  # a new opinion is on the way
    ranked: Callable[[Opinion], object]
    reading: Callable[[float], object]  # how much of the notes is read
    no_ranking: Callable[[Failure], object]


class Consultation:
    """Answers about a chart that is no longer open, or that was read anew with other notes, are dropped."""

    def __init__(self, parent: QWidget, session: OpenSession, desk: ChartDesk, hearing: Hearing) -> None:
        self._session = session
        self._desk = desk
        self._hearing = hearing
        self.assistant: Assistant | None = None
        self.opinion: Opinion | None = None
        self._stop = Event()
        self._drawn = object()  # stands for the drawing that was asked for last
        self._pause = QTimer(parent, singleShot=True, interval=RANK_PAUSE_MS)
        self._pause.timeout.connect(self.rank)

    def begin(self) -> None:
        """A chart was opened, or the assistant has come: ask for suggestions, then for a ranking."""
        if self.assistant is not None and self._desk.opened is not None:
            self._suggest(self.assistant)

    def rank_soon(self) -> None:
        """Rank when the clinician pauses."""
        self._pause.start()

    def draw(
        self,
        line: DifferentialLine,
        then: Callable[[EvidenceGraph], object],
        otherwise: Callable[[Failure], object],
    ) -> bool:
        """Have the evidence for a disease drawn; False where nothing can be asked yet."""
        assistant, opened, today = self.assistant, self._desk.opened, self._session.around.today()
        if assistant is None or opened is None:
            return False
        patient = opened.chart.patient.id
        self._drawn = asked = object()

        def awaited() -> bool:
            return asked is self._drawn and self._desk.holds(patient)

        self._session.runner.read(
            lambda: assistant.draw(opened.chart, opened.annotations(), today, line.disease_id),
            lambda graph: then(graph) if awaited() else None,
            lambda failure: otherwise(failure) if awaited() else None,
        )
        return True

    def stop_reading(self) -> None:
        """Let the opinion that stands be the last, and what is on its way be dropped."""
        self._stop.set()

    @property
    def last(self) -> Opinion | None:
        """The opinion that stands, where no other follows it by itself."""
        still_reading = self.opinion is not None and self.opinion.share < 1 and not self._stop.is_set()
        return None if still_reading else self.opinion

    def clear(self) -> None:
        """Forget the assistant and what it said."""
        self._pause.stop()
        self.stop_reading()
        self.assistant, self.opinion = None, None

    def _suggest(self, assistant: Assistant) -> None:
        opened = self._desk.opened
        assert opened is not None
        patient, notes = opened.chart.patient, opened.chart.notes
        self._session.runner.read(
            lambda: (patient.id, {note.id: assistant.suggest(patient, note) for note in notes}),
            self._take_suggestions,
            lambda _failure: self.rank(),  # which fails by the same cause, and says so
        )

    def _take_suggestions(self, answer: tuple[PatientId, dict[NoteId, tuple[Annotation, ...]]]) -> None:
        patient, suggestions = answer
        opened = self._desk.opened
        if opened is None or not self._desk.holds(patient):
            return
        if suggestions.keys() == {note.id for note in opened.chart.notes}:  # else a note came or went
            self._desk.opened = replace(opened, suggestions=suggestions)
            self._hearing.suggested()
            self.rank()

    def rank(self) -> None:
        """Rank now; what is still being read for an earlier ranking is left."""
        if self.assistant is None or self._desk.opened is None:
            return
        assistant, opened, today = self.assistant, self._desk.opened, self._session.around.today()
        marks: Sequence[Annotation] = opened.annotations()
        self.stop_reading()
        self._hearing.ranking()
        self._stop = self._session.runner.read_on(
            lambda stop: ((stop, told) for told in assistant.rank(opened.chart, marks, today, stop)),
            self._take,
            self._hearing.no_ranking,
        )

    def _take(self, answer: tuple[Event, Opinion | StillReading]) -> None:
        asked_to_stop, told = answer
        if asked_to_stop.is_set():
            return
        if isinstance(told, Opinion):
            self.opinion = told
            self._hearing.ranked(told)
        else:
            self._hearing.reading(told.share)

"""Shows, for the disease that is chosen, what each sentence of the notes counts in the text model.

A panel of the patient page whose widget is one button: it paints in the note and adds to the list of
reasons. The notes are read once a patient, off the window's thread, and only when that is asked for.
"""

from app.clinical.chart import Chart
from app.clinical.diagnosis import DifferentialLine
from app.clinical.ids import PatientId
from app.gui.assistant import Assistant, Opinion
from app.gui.operations.runner import Failure
from app.gui.patient.differential_panel import DifferentialPanel
from app.gui.patient.evidence_list import Reading
from app.gui.patient.note_desk import NoteDesk
from app.gui.patient.noted_reason import NotedReason, by_finding, sentences, washes
from app.gui.patient.open_chart import OpenChart
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.workflows.explain_text import TextExplanation

READING = "Reading the notes with each sentence hidden…"
NO_TEXT = "The notes were not read by a text model, so no sentence can be explained."


class SentenceReasons:
    """Joins the differential, the notes and the assistant's explanation."""

    def __init__(self, session: OpenSession, differential: DifferentialPanel, notes: NoteDesk) -> None:
        self._session = session
        self._differential = differential
        self.widget = differential.sentences
        self._notes = notes
        self._assistant: Assistant | None = None
        self._opened: OpenChart | None = None
        self._explanation: TextExplanation | None = None
        self._asked: PatientId | None = None
        self._noted: tuple[NotedReason, ...] = ()
        self._disease = ""
        differential.read_of = self._read_of
        differential.turn_to = self._turn_to
        notes.pane.view.note_shown.connect(self._paint)

    def take_assistant(self, assistant: Assistant) -> None:
        """Notes can be explained from now on."""
        self._assistant = assistant

    def show(self, opened: OpenChart, opinion: Opinion | None) -> None:
        """The chart as it stands; an explanation of other notes is forgotten."""
        if self._opened is not None and self._opened.chart.notes != opened.chart.notes:
            self._forget()
        self._opened = opened

    def clear(self) -> None:
        """Forget the patient."""
        self._opened = None
        self._forget()

    def _forget(self) -> None:
        self._explanation, self._asked, self._noted, self._disease = None, None, (), ""
        self._notes.pane.view.show_washes(())

    def _read_of(self, line: DifferentialLine | None) -> Reading | None:
        """Hears which disease is chosen; says what was read of it, or asks for it to be read."""
        self._noted, reading = (), None
        if self._differential.sentences.isChecked() and line is not None and self._opened is not None:
            if self._explanation is None:
                self._ask()
            else:
                reasons = self._explanation.reasons((line.disease_id, *line.same_as))
                self._noted, self._disease = sentences(self._opened.chart.notes, reasons), line.name
                reading = Reading(self._noted, by_finding(reasons))
        self._paint()
        return reading

    def _ask(self) -> None:
        assistant, opened = self._assistant, self._opened
        if assistant is None or opened is None or self._asked == opened.chart.patient.id:
            return
        self._asked = opened.chart.patient.id
        self._differential.tell(READING)
        self._session.runner.read(
            lambda: (opened.chart, assistant.explain(opened.chart)), self._take, self._tell_failure
        )

    def _take(self, answer: tuple[Chart, TextExplanation]) -> None:
        read, explanation = answer
        now = self._opened.chart if self._opened is not None else None
        if now is None or (now.patient.id, now.notes) != (read.patient.id, read.notes):
            return
        self._explanation = explanation
        self._differential.tell_standing()
        if not explanation.parts:
            self._differential.tell(NO_TEXT)
        self._differential.explain_again()

    def _tell_failure(self, failure: Failure) -> None:
        self._asked = None
        self._differential.show_message(sentence(failure.message))

    def _paint(self) -> None:
        note_id = self._notes.note_id
        if note_id is not None:
            self._notes.pane.view.show_washes(washes(self._noted, note_id, self._disease))

    def _turn_to(self, noted: NotedReason) -> None:
        if noted.note_id != self._notes.note_id:
            self._notes.open_note(noted.note_id)
        self._notes.pane.view.reveal(noted.start)

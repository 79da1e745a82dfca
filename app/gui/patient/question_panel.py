"""What to ask or test next: the best questions, each answered by one key, and the answer is a finding."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QCheckBox, QStackedWidget, QVBoxLayout, QWidget

from app.clinical.ids import NoteId, PatientId
from app.gui.assistant import Assistant, Opinion
from app.gui.operations.runner import Failure
from app.gui.patient.annotating import answered
from app.gui.patient.chart_desk import ChartDesk
from app.gui.patient.differential_panel import DifferentialPanel
from app.gui.patient.note_desk import NoteDesk
from app.gui.patient.open_chart import OpenChart
from app.gui.patient.question_list import QuestionList
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, label, row, set_role
from app.gui.shell.width_watch import WidthWatch, turn
from app.gui.shell.withheld import withhold_writing
from app.workflows.ask_next import NextQuestions
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.questions.next_question import Question
from knowledge_graph.terms.term import TermId

WAITING = "Questions follow the differential."
FIRST = "The best for its cost first. An answer becomes a finding."
NOTHING = "No question would tell anything more."
ROOM_FOR_ONE_LINE = 320  # pixels at 100 % text
NO_NOTE = "No note of this chart counts, so an answer has no place to be kept. Ctrl+N writes one."


class QuestionPanel:
    """Asks about all diseases, or the chosen one alone; an "unknown" lasts until another chart is read."""

    def __init__(
        self, session: OpenSession, desk: ChartDesk, notes: NoteDesk, differential: DifferentialPanel
    ) -> None:
        self._session, self._desk, self._notes = session, desk, notes
        self._differential = differential
        self._assistant: Assistant | None = None
        self._opinion: Opinion | None = None
        self._unknown: set[TermId] = set()
        self.list = QuestionList(session.look)
        self.state = label(WAITING, "small", wrap=True)
        self.one = QCheckBox("Chosen disease only")
        self.one.setToolTip("Ask only what rules the disease chosen above in or out  (Ctrl+R)")
        self.one.toggled.connect(lambda _on: self._ask())
        differential.list.widget.currentItemChanged.connect(lambda *_: self._other_disease())
        self.yes = button("Yes", lambda: self._answer(FindingState.OBSERVED), tip="Present  (Y)")
        self.no = button("No", lambda: self._answer(FindingState.EXCLUDED), tip="Absent  (N)")
        self.unknown = button("Unknown", self._pass, tip="Not known: do not ask again  (U)")
        withhold_writing(session, self.yes, self.no)
        self._stack = QStackedWidget()
        self.widget = self._laid_out()
        self._add_keys()
        self.clear()

    def take_assistant(self, assistant: Assistant) -> None:
        """Questions can be asked for from now on."""
        self._assistant = assistant

    def show(self, opened: OpenChart, opinion: Opinion | None) -> None:
        """Ask anew where the opinion is a new one; until then the old questions can't be answered."""
        if opinion is not self._opinion:
            self._opinion = opinion
            self._ask()

    def clear(self) -> None:
        """Forget the patient."""
        self._opinion = None
        self._unknown = set()
        self._show_questions(())
        self._tell(WAITING)

    def _ask(self) -> None:
        assistant, opinion, opened = self._assistant, self._opinion, self._desk.opened
        if assistant is None or opinion is None or opened is None:
            return
        chosen = self._differential.list.current() if self.one.isChecked() else None
        rule = chosen.line.disease_id if chosen else None
        patient, unknown = opened.chart.patient.id, frozenset(self._unknown)
        self._session.runner.read(
            lambda: (patient, opinion, assistant.ask(opinion, rule, unknown)), self._take, self._refuse
        )

    def _other_disease(self) -> None:
        if self.one.isChecked():
            self._ask()

    def _take(self, answer: tuple[PatientId, Opinion, NextQuestions]) -> None:
        patient, opinion, found = answer
        if not self._desk.holds(patient) or opinion is not self._opinion:
            return
        self._show_questions(found.questions)
        if not found.questions:
            self._tell(NOTHING)
        elif found.suspect is None:
            self._tell(FIRST)
        else:
            self._tell(f"Is it {found.suspect.name}?")

    def _refuse(self, failure: Failure) -> None:
        self._show_questions(())
        self._tell(sentence(failure.message), "error")

    def _answer(self, state: FindingState) -> None:
        question, opened = self.list.current(), self._desk.opened
        if question is None or opened is None:
            return
        note = self._note_of(opened)
        if note is None:
            self._tell(NO_NOTE, "notice")
            return
        self._enable(False)
        self._desk.do(answered(opened.note(note), question.term_id, state))

    def _note_of(self, opened: OpenChart) -> NoteId | None:
        """The note that is shown, where it counts; else the newest one that does."""
        counting = [note.id for note in opened.chart.notes]
        shown = self._notes.note_id
        return shown if shown in counting else next(reversed(counting), None)

    def _pass(self) -> None:
        question = self.list.current()
        if question is not None:
            self._unknown.add(question.term_id)
            self._ask()

    def _show_questions(self, questions: tuple[Question, ...]) -> None:
        had_keys = self.list.widget.hasFocus()
        self.list.show(questions)
        self._stack.setCurrentIndex(1 if questions else 0)
        self._enable(bool(questions))
        if had_keys:
            self.list.widget.setFocus()

    def _enable(self, on: bool) -> None:
        for deed in (self.yes, self.no, self.unknown):
            deed.setEnabled(on)

    def _tell(self, text: str, role: str = "small") -> None:
        set_role(self.state, role)
        self.state.setText(text)

    def _laid_out(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(6, 0, 6, 8)
        column.setSpacing(4)
        head = row(self.state, self.one)
        head.setContentsMargins(8, 2, 8, 2)
        head.setStretch(0, 1)
        column.addLayout(head)
        self._watch = WidthWatch(
            made, self._session.look, lambda width: turn(head, beside=width >= ROOM_FOR_ONE_LINE)
        )
        self._stack.addWidget(QWidget())
        self._stack.addWidget(self.list.widget)
        column.addWidget(self._stack, 1)
        deeds = row(None, self.unknown, self.no, self.yes)
        deeds.setContentsMargins(8, 0, 4, 0)
        column.addLayout(deeds)
        return made

    def _add_keys(self) -> None:
        inside = Qt.ShortcutContext.WidgetWithChildrenShortcut
        for key, deed in (("Y", self.yes), ("N", self.no), ("U", self.unknown)):
            QShortcut(QKeySequence(key), self.widget, context=inside).activated.connect(deed.click)
        QShortcut(QKeySequence("Ctrl+R"), self.widget).activated.connect(self.one.toggle)

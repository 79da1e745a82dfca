"""One patient: time line, notes with marks, findings, differential. Every deed can be undone."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMessageBox, QVBoxLayout, QWidget

from app.clinical.annotation import AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis, DifferentialLine
from app.clinical.ids import NoteId, PatientId
from app.gui.assistant import Assistant, Opinion
from app.gui.operations.runner import Failure
from app.gui.patient.alert_strip import AlertStrip
from app.gui.patient.chart_desk import ChartDesk
from app.gui.patient.comparing import Comparing
from app.gui.patient.consultation import Consultation, Hearing
from app.gui.patient.deciding import decided, line_of
from app.gui.patient.differential_panel import DifferentialPanel
from app.gui.patient.disease_search import DiseaseSearch
from app.gui.patient.evidence_dialog import EvidenceDialog
from app.gui.patient.findings_panel import FindingsPanel, finding_rows
from app.gui.patient.heading import Heading
from app.gui.patient.note_desk import NoteDesk
from app.gui.patient.open_chart import OpenChart, read_open_chart
from app.gui.patient.panel import Panel
from app.gui.patient.patient_layout import Part, PatientLayout
from app.gui.patient.question_panel import QuestionPanel
from app.gui.patient.sentence_reasons import SentenceReasons
from app.gui.patient.setting_choice import SettingChoice
from app.gui.patient.similar_cases import SimilarPanel
from app.gui.patient.timeline import timeline
from app.gui.patient.timeline_list import TimelineList
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.withheld import withhold_writing
from app.gui.writing.error_dialog import ErrorDialog, ask_to_count_again
from app.gui.writing.note_dialog import NoteDialog
from app.gui.writing.writing_dialog import may_write
from app.workflows.search_diseases import DiseaseHit
from knowledge_graph.terms.term import TermId


class PatientPage:
    """Joins the desk (chart and log), the note, the consultation and the panels."""

    def __init__(
        self, session: OpenSession, go_back: Callable[[], object], changed: Callable[[], object]
    ) -> None:
        self._session = session
        self.widget = QWidget()
        self._changed = changed
        self.disease_search: DiseaseSearch | None = None
        self.writing: NoteDialog | None = None
        self.error: ErrorDialog | None = None
        self.asking: QMessageBox | None = None
        self._asked = object()  # stands for the chart that was asked for last
        look = session.look
        self.desk = self._chart_desk()
        self._consultation = Consultation(self.widget, session, self.desk, self._hearing())
        self.heading = Heading(look, go_back)
        self.alerts = AlertStrip(session, self.widget)
        self.notes = self._note_desk()
        self.note = self.notes.pane
        self.timeline = TimelineList(look, self.notes.open_note)
        self.findings = FindingsPanel(look, self.notes.jump)
        self.differential = DifferentialPanel(look, self.decide, self.draw, name_another=self._name_another)
        self.differential.stop, self.differential.go_on = self._stop_reading, self._consultation.rank
        self.graph = EvidenceDialog(self.widget, look)
        self.questions = QuestionPanel(session, self.desk, self.notes, self.differential)
        self.setting = SettingChoice(session, self._consultation.rank_soon)
        self.comparing = Comparing(session, self.differential)
        self.similar = SimilarPanel(session, self.open)
        self.panels: tuple[Panel, ...] = (
            self.similar,
            SentenceReasons(session, self.differential, self.notes),
            self.questions,
            self.comparing,
            self.alerts,
        )
        self.layout = self._layout()
        self._lay_out()
        self._add_keys()
        deeds = self.differential
        withhold_writing(session, deeds.confirm, deeds.refuse, deeds.other, *self.note.writing())

    @property
    def opened(self) -> OpenChart | None:
        """The chart that is open."""
        return self.desk.opened

    def take_assistant(self, assistant: Assistant) -> None:
        """Names, suggestions and ranking are ready now."""
        self._consultation.assistant = assistant
        self.notes.take_catalogue(self.widget, assistant.catalogue, self._session.runner)
        self.disease_search = DiseaseSearch(
            self.widget,
            self._session.look,
            assistant.catalogue.graph,
            self._session.runner,
            decision_of=self._decision_of,
            taken=self._decide_other,
        )
        self.setting.take_assistant(assistant)
        for panel in self.panels:
            panel.take_assistant(assistant)
        self._refresh()
        self._consultation.begin()

    def _chart_desk(self) -> ChartDesk:
        return ChartDesk(
            self._session,
            changed=self._after_deed,
            written=self._changed,
            read_again=lambda patient: self.open(patient, self.notes.note_id),
        )

    def _note_desk(self) -> NoteDesk:
        return NoteDesk(
            self._session.look,
            self.desk,
            turned_to=lambda note: self.timeline.select(note),
            name_of=self._name,
            write=self.write_note,
            error=self.mark_error,
        )

    def _hearing(self) -> Hearing:
        return Hearing(
            suggested=self._refresh,
            ranking=self._tell_ranking,
            ranked=self._take_ranking,
            reading=lambda share: self.differential.tell_reading(share),
            no_ranking=self._tell_no_ranking,
        )

    def _layout(self) -> PatientLayout:
        left = (
            Part("Time line", self.timeline.widget, height=430),
            Part("Findings", self.findings.widget),
        )
        right = (
            Part("Differential", self.differential.widget, height=500),
            Part("Next question", self.questions.widget, height=260),
        )
        return PatientLayout(self._session.look, self.note.widget, left=left, right=right)

    def open(self, patient_id: PatientId, note_id: NoteId | None = None) -> None:
        """Read a patient's chart and show it, at a note where one is named."""
        vault = self._session.vault
        self._consultation.stop_reading()
        self.differential.clear()
        self.graph.clear()
        for panel in self.panels:
            panel.clear()
        self._asked = asked = object()

        def show(opened: OpenChart) -> None:
            if asked is self._asked:  # two threads read: an earlier chart may come after a later one
                self._show(opened, note_id)

        self._session.runner.read(lambda: read_open_chart(vault, patient_id), show)

    def open_note(self, note_id: NoteId) -> None:
        """Show one of the patient's notes."""
        self.notes.open_note(note_id)

    def write_note(self) -> None:
        """Ask for a new note of the patient, and show it once it is saved."""
        if self.opened is not None and may_write(self._session):
            patient = self.opened.chart.patient
            self.writing = NoteDialog(
                self.widget, self._session, patient, lambda note: self._show_written(patient.id, note)
            )
            self.writing.open()

    def mark_error(self) -> None:
        """Ask why the note is in error; of one that is so marked, whether it counts again."""
        note_id = self.notes.note_id
        if self.opened is None or note_id is None or not may_write(self._session):
            return
        note, patient = self.opened.note(note_id), self.opened.chart.patient.id
        asked = (self.widget, self._session, note, lambda: self._show_written(patient, note_id))
        if note.in_error:
            self.asking = ask_to_count_again(*asked)
        else:
            self.error = ErrorDialog(*asked)
            self.error.open()

    def decide(self, line: DifferentialLine, decision: Decision) -> None:
        """Confirm or reject a disease, or take the word back."""
        if self.opened is None:
            return
        opinion = self._consultation.opinion
        version = opinion.differential.model_version if opinion else ""
        self.desk.do(decided(self.opened, line, decision, model_version=version))

    def draw(self, line: DifferentialLine) -> None:
        """Draw the evidence for a disease in a window of its own."""
        asked = self._consultation.draw(
            line, self.graph.show_graph, lambda failure: self.graph.show_message(sentence(failure.message))
        )
        if asked:
            self.graph.open(line.name)

    def clear(self) -> None:
        """Empty every view; called before the vault is locked."""
        self._consultation.clear()
        self.desk.opened = None
        if self.disease_search is not None:
            self.disease_search.clear()
        self.notes.clear()
        self.timeline.show(())
        self.findings.show(())
        self.differential.clear()
        self.heading.clear()
        self.graph.clear()
        for panel in self.panels:
            panel.clear()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.widget)
        column.setContentsMargins(20, 14, 20, 12)
        column.setSpacing(10)
        self.heading.layout.addWidget(self.setting.widget)
        self.differential.about.insertWidget(1, self.similar.widget)
        column.addLayout(self.heading.layout)
        column.addWidget(self.alerts.widget)
        column.addWidget(self.layout.widget, 1)

    def _add_keys(self) -> None:
        """Undo wherever the keyboard is in the page, and a key to each of its parts."""
        for name in ("undo", "redo"):
            self.widget.addAction(self.note.actions[name])
        parts: tuple[tuple[str, str, QWidget], ...] = (
            ("Alt+N", "", self.note.view),
            ("Alt+D", "Differential", self.differential.list.widget),
            ("Alt+E", "Differential", self.differential.evidence.widget),
            ("Ctrl+J", "Next question", self.questions.list.widget),
            ("Alt+F", "Findings", self.findings.widget),
            ("Alt+T", "Time line", self.timeline.widget),
        )
        for key, part, view in parts:
            pressed = QShortcut(QKeySequence(key), self.widget).activated
            pressed.connect(lambda part=part, view=view: self._turn_to(part, view))

    def _turn_to(self, part: str, view: QWidget) -> None:
        if part:
            self.layout.turn_to(part)
        view.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _show(self, opened: OpenChart, note_id: NoteId | None) -> None:
        self.desk.opened = opened
        self._consultation.opinion = None
        self.heading.show(opened, self._session.around.today())
        self.timeline.show(timeline(opened.chart))
        self.notes.open_first(note_id)
        self._refresh()
        self._consultation.begin()

    def _after_deed(self, record: AnnotationEvent | Diagnosis) -> None:
        self._refresh()
        if isinstance(record, Diagnosis):
            self.differential.refresh(self._decision_of)
        else:
            self._consultation.rank_soon()

    def _stop_reading(self) -> None:
        self._consultation.stop_reading()
        self._refresh()

    def _show_written(self, patient_id: PatientId, note_id: NoteId) -> None:
        self._changed()
        self.open(patient_id, note_id)

    def _tell_ranking(self) -> None:
        self.differential.show_busy()

    def _take_ranking(self, opinion: Opinion) -> None:
        if opinion.rests_on_nothing:
            self.differential.clear()
        else:
            self.differential.show(opinion.differential, self._decision_of, share=opinion.share)
        self._refresh()

    def _tell_no_ranking(self, failure: Failure) -> None:
        self.differential.show_message(sentence(failure.message))

    def _name_another(self) -> None:
        if self.disease_search is not None and self.opened is not None:
            self.disease_search.ask()

    def _decide_other(self, hit: DiseaseHit, decision: Decision) -> None:
        opinion = self._consultation.opinion
        self.decide(line_of(hit, opinion.differential if opinion else None), decision)

    def _decision_of(self, disease_id: str) -> Decision | None:
        said = self.opened.decision(disease_id) if self.opened else None
        return said.decision if said else None

    def _refresh(self) -> None:
        if self.opened is None:
            return
        opinion = self._consultation.opinion
        rows = finding_rows(self.opened, opinion.findings if opinion else (), self._name)
        self.findings.show(rows)
        self.layout.rename("Findings", f"Findings  {len(rows)}" if rows else "Findings")
        self.heading.show_confirmed(self.opened.confirmed())
        self.note.show_history(
            can_undo=bool(self.opened.history.done), can_redo=bool(self.opened.history.undone)
        )
        self.notes.show_marks()
        for panel in self.panels:  # an alert rests on findings alone and does not wait for the reading
            panel.show(self.opened, opinion if panel is self.alerts else self._consultation.last)

    def _name(self, term_id: TermId) -> str:
        assistant = self._consultation.assistant
        return assistant.catalogue.name(term_id) if assistant else str(term_id)

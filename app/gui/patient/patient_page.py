"""One patient: time line, notes with marks, findings, differential. Every deed can be undone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.clinical.annotation import Annotation, AnnotationEvent
from app.clinical.diagnosis import Decision, Diagnosis, DifferentialLine
from app.clinical.ids import NoteId, PatientId
from app.gui.assistant import Assistant, Opinion
from app.gui.operations.runner import Failure
from app.gui.patient.annotating import accepted, added, changed, rejected, removed, toggled
from app.gui.patient.deciding import decided, line_of
from app.gui.patient.differential_panel import DifferentialPanel
from app.gui.patient.disease_search import DiseaseSearch
from app.gui.patient.evidence_dialog import EvidenceDialog
from app.gui.patient.findings_panel import FindingsPanel, finding_rows
from app.gui.patient.heading import Heading
from app.gui.patient.history import MarkStep, Step
from app.gui.patient.mark import Mark, shown_marks
from app.gui.patient.note_pane import NoteDeeds, NotePane
from app.gui.patient.open_chart import Change, OpenChart, append, do, read_open_chart, redo, undo
from app.gui.patient.patient_layout import PatientLayout
from app.gui.patient.term_search import TermSearch
from app.gui.patient.timeline import timeline
from app.gui.patient.timeline_list import TimelineList
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.workflows.search_diseases import DiseaseHit
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId

RANK_PAUSE_MS = 150


class PatientPage:
    """Holds the open chart; each deed gives a new chart, one log entry, and a fresh view."""

    def __init__(
        self, session: OpenSession, go_back: Callable[[], object], changed: Callable[[], object]
    ) -> None:
        self._session = session
        self._changed = changed
        self._assistant: Assistant | None = None
        self.term_search: TermSearch | None = None
        self.disease_search: DiseaseSearch | None = None
        self.opened: OpenChart | None = None
        self.note_id: NoteId | None = None
        self.opinion: Opinion | None = None
        look = session.look
        self.heading = Heading(look, go_back)
        self.timeline = TimelineList(look, self.open_note)
        self.note = NotePane(look, self._deeds())
        self.findings = FindingsPanel(look, self._jump)
        self.differential = DifferentialPanel(
            look,
            self.decide,
            self.draw,
            name_another=self._name_another,
        )
        self.layout = PatientLayout(
            look,
            self.note.widget,
            timeline=self.timeline.widget,
            findings=self.findings.widget,
            differential=self.differential.widget,
        )
        self.widget = QWidget()
        self.graph = EvidenceDialog(self.widget, look)
        self._rank_pause = QTimer(self.widget, singleShot=True, interval=RANK_PAUSE_MS)
        self._rank_pause.timeout.connect(self._rank)
        self._lay_out()

    def take_assistant(self, assistant: Assistant) -> None:
        """Names, suggestions and ranking are ready now."""
        self._assistant = assistant
        runner = self._session.runner
        self.term_search = TermSearch(self.widget, assistant.catalogue, runner)
        self.disease_search = DiseaseSearch(
            self.widget,
            assistant.catalogue.graph,
            runner,
            decision_of=self._decision_of,
            taken=self._decide_other,
        )
        if self.opened is not None:
            self._suggest(self.opened)
            self._refresh()
            self._rank_pause.start()

    def open(self, patient_id: PatientId, note_id: NoteId | None = None) -> None:
        """Read a patient's chart and show it, at a note where one is named."""
        vault = self._session.vault
        self.differential.clear()
        self._session.runner.read(
            lambda: read_open_chart(vault, patient_id), lambda opened: self._show(opened, note_id)
        )

    def open_note(self, note_id: NoteId) -> None:
        """Show one of the patient's notes."""
        if self.opened is None:
            return
        notes = self.opened.chart.notes
        note = self.opened.note(note_id)
        self.note_id = note_id
        self.note.show_note(note, notes.index(note) + 1, len(notes))
        self.timeline.select(note_id)
        self._refresh_marks()

    def decide(self, line: DifferentialLine, decision: Decision) -> None:
        """Confirm or reject a disease, or take the word back."""
        if self.opened is None:
            return
        ranking = self.opinion.differential if self.opinion else None
        version = ranking.model_version if ranking else ""
        self._do(decided(self.opened, line, decision, model_version=version))

    def _name_another(self) -> None:
        if self.disease_search is not None and self.opened is not None:
            self.disease_search.ask()

    def _decide_other(self, hit: DiseaseHit, decision: Decision) -> None:
        self.decide(line_of(hit, self.opinion.differential if self.opinion else None), decision)

    def draw(self, line: DifferentialLine) -> None:
        """Draw the evidence for a disease in a window of its own."""
        assistant, opened, today = self._assistant, self.opened, self._session.around.today()
        if assistant is None or opened is None:
            return
        self.graph.open(line.name)
        self._session.runner.read(
            lambda: assistant.draw(opened.chart, opened.annotations(), today, line.disease_id),
            self.graph.show_graph,
            lambda failure: self.graph.show_message(sentence(failure.message)),
        )

    def clear(self) -> None:
        """Empty every view; called before the vault is locked."""
        self._rank_pause.stop()
        self.opened, self.note_id, self.opinion, self._assistant = None, None, None, None
        for search in (self.term_search, self.disease_search):
            if search is not None:
                search.clear()
        self.note.clear()
        self.timeline.show(())
        self.findings.show(())
        self.differential.clear()
        self.heading.clear()
        self.graph.clear()

    def _deeds(self) -> NoteDeeds:
        return NoteDeeds(
            accept=lambda: self._on_mark(accepted, then_next=True),
            reject=lambda: self._on_mark(rejected, then_next=True),
            toggle=lambda: self._on_mark(toggled),
            change=self._change_term,
            add=self._add_mark,
            remove=lambda: self._on_mark(removed),
            undo=lambda: self._travel(undo),
            redo=lambda: self._travel(redo),
            next_note=lambda: self._step_note(1),
            previous_note=lambda: self._step_note(-1),
        )

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.widget)
        column.setContentsMargins(20, 14, 20, 12)
        column.setSpacing(10)
        column.addLayout(self.heading.layout)
        column.addWidget(self.layout.widget, 1)

    def _show(self, opened: OpenChart, note_id: NoteId | None) -> None:
        self.opened = opened
        self.opinion = None
        self.heading.show(opened, self._session.around.today())
        self.timeline.show(timeline(opened.chart))
        notes = opened.chart.notes
        if notes:
            self.open_note(note_id or notes[-1].id)
            self.note.view.setFocus()
        else:
            self.note_id = None
            self.note.show_empty()
        self._refresh()
        if self._assistant is not None:
            self._suggest(opened)
            self._rank_pause.start()

    def _suggest(self, opened: OpenChart) -> None:
        assistant, notes = self._assistant, opened.chart.notes
        assert assistant is not None
        patient = opened.chart.patient.id
        self._session.runner.read(
            lambda: (patient, {note.id: assistant.suggest(note) for note in notes}), self._take_suggestions
        )

    def _take_suggestions(self, answer: tuple[PatientId, dict[NoteId, tuple[Annotation, ...]]]) -> None:
        patient, suggestions = answer
        if self.opened is not None and self.opened.chart.patient.id == patient:
            self.opened = replace(self.opened, suggestions=suggestions)
            self._refresh()

    def _rank(self) -> None:
        if self._assistant is None or self.opened is None:
            return
        assistant, opened, today = self._assistant, self.opened, self._session.around.today()
        marks: Sequence[Annotation] = opened.annotations()
        self.differential.show_busy()
        self._session.runner.read(
            lambda: (opened.chart.patient.id, assistant.rank(opened.chart, marks, today)),
            self._take_ranking,
            self._tell_no_ranking,
        )

    def _take_ranking(self, answer: tuple[PatientId, Opinion]) -> None:
        patient, opinion = answer
        if self.opened is not None and self.opened.chart.patient.id == patient:
            self.opinion = opinion
            self.differential.show(opinion.differential, self._decision_of)
            self._refresh()

    def _tell_no_ranking(self, failure: Failure) -> None:
        self.differential.show_message(sentence(failure.message))

    def _decision_of(self, disease_id: str) -> Decision | None:
        said = self.opened.decision(disease_id) if self.opened else None
        return said.decision if said else None

    def _on_mark(self, deed: Callable[[Mark], MarkStep | None], *, then_next: bool = False) -> None:
        mark = self.note.view.current_mark()
        step = deed(mark) if mark is not None else None
        if step is None:
            if mark is None or then_next:
                self.note.move(1)
            return
        self._do(step)
        if then_next and mark is not None:
            self.note.move_on(mark)

    def _change_term(self) -> None:
        mark = self.note.view.current_mark()
        if mark is None or self.term_search is None:
            return
        self.term_search.ask(
            title="Change the term",
            quote=self._words(mark.start, mark.end),
            query=mark.name,
            state=mark.annotation.state,
            taken=lambda term, state: self._do(changed(mark, term, state)),
        )

    def _add_mark(self) -> None:
        span, note_id = self.note.view.selected_span(), self.note_id
        if span is None or note_id is None or self.term_search is None:
            return
        words = self._words(*span)
        self.term_search.ask(
            title="Mark a finding",
            quote=words,
            query=words if len(words) < 60 else "",
            state=FindingState.OBSERVED,
            taken=lambda term, state: self._add(note_id, span, term, state),
        )

    def _add(self, note_id: NoteId, span: tuple[int, int], term: TermId, state: FindingState) -> None:
        step = added(note_id, span, term, state)
        self._do(step)
        self._jump(step.after)

    def _words(self, start: int, end: int) -> str:
        assert self.opened is not None
        assert self.note_id is not None
        return " ".join(self.opened.note(self.note_id).text[start:end].split())

    def _do(self, step: Step) -> None:
        if self.opened is not None:
            self._commit(
                do(self.opened, step, author=self._session.vault.user, at=self._session.around.now())
            )

    def _travel(self, way: Callable[..., Change | None]) -> None:
        if self.opened is None:
            return
        change = way(self.opened, author=self._session.vault.user, at=self._session.around.now())
        if change is None:
            return
        self._commit(change)
        if isinstance(change[1], AnnotationEvent):
            self._jump(change[1].annotation)

    def _commit(self, change: Change) -> None:
        """Show the change at once and append it to the log; a refused write reads the chart again."""
        self.opened, record = change
        vault, patient = self._session.vault, self.opened.chart.patient.id
        self._session.runner.write(
            lambda: append(vault, record), lambda _done: self._changed(), lambda f: self._refused(f, patient)
        )
        self._refresh()
        if isinstance(record, Diagnosis):
            self.differential.refresh(self._decision_of)
        else:
            self._rank_pause.start()

    def _refused(self, failure: Failure, patient: PatientId) -> None:
        self._session.runner.failed.emit(failure)
        self.open(patient, self.note_id)

    def _refresh(self) -> None:
        if self.opened is None:
            return
        gathered = self.opinion.findings if self.opinion else ()
        rows = finding_rows(self.opened, gathered, self._name)
        self.findings.show(rows)
        self.layout.name_findings(f"Findings  {len(rows)}" if rows else "Findings")
        self.heading.show_confirmed(self.opened.confirmed())
        self.note.show_history(
            can_undo=bool(self.opened.history.done), can_redo=bool(self.opened.history.undone)
        )
        self._refresh_marks()

    def _refresh_marks(self) -> None:
        if self.opened is not None and self.note_id is not None:
            standing = self.opened.annotations(self.note_id)
            self.note.show_marks(
                shown_marks(standing, self.opened.open_suggestions(self.note_id), self._name)
            )

    def _name(self, term_id: TermId) -> str:
        return self._assistant.catalogue.name(term_id) if self._assistant else str(term_id)

    def _jump(self, mark: Annotation | None) -> None:
        if mark is None:
            return
        if mark.note_id != self.note_id:
            self.open_note(mark.note_id)
        self.note.choose_id(mark.id)

    def _step_note(self, step: int) -> None:
        if self.opened is None or self.note_id is None:
            return
        ids = [note.id for note in self.opened.chart.notes]
        place = ids.index(self.note_id) + step
        if 0 <= place < len(ids):
            self.open_note(ids[place])

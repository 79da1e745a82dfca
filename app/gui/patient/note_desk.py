"""The note that is open, and what the clinician does to its marks."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.clinical.annotation import Annotation, AnnotationEvent
from app.clinical.ids import NoteId
from app.clinical.note import Note
from app.gui.operations.runner import OperationRunner
from app.gui.patient.annotating import accepted, added, changed, rejected, removed, toggled
from app.gui.patient.chart_desk import ChartDesk
from app.gui.patient.history import MarkStep
from app.gui.patient.mark import Mark, shown_marks
from app.gui.patient.note_pane import NoteDeeds, NotePane
from app.gui.patient.open_chart import Change, redo, undo
from app.gui.patient.term_search import TermSearch
from app.gui.theme.look import Look
from app.workflows.search_terms import TermCatalogue
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId


class NoteDesk:
    """Shows one note of the open chart in its pane; `turned_to` hears which note is shown."""

    def __init__(
        self,
        look: Look,
        desk: ChartDesk,
        *,
        turned_to: Callable[[NoteId], object],
        name_of: Callable[[TermId], str],
        write: Callable[[], object],
        error: Callable[[], object],
    ) -> None:
        self._look, self._desk = look, desk
        self._turned_to = turned_to
        self._name_of = name_of
        self._write, self._error = write, error
        self.note_id: NoteId | None = None
        self.term_search: TermSearch | None = None
        self.pane = NotePane(look, self._deeds())

    def take_catalogue(self, parent: QWidget, catalogue: TermCatalogue, runner: OperationRunner) -> None:
        """Terms can be searched from now on."""
        self.term_search = TermSearch(parent, self._look, catalogue, runner)

    def open_note(self, note_id: NoteId) -> None:
        """Show one of the patient's notes."""
        opened = self._desk.opened
        if opened is None:
            return
        notes, note = opened.notes, opened.note(note_id)
        self.note_id = note_id
        self.pane.show_note(note, notes.index(note) + 1, len(notes))
        self._turned_to(note_id)
        self.show_marks()

    def open_first(self, note_id: NoteId | None) -> None:
        """Show the note named, else the newest; where the chart holds none, say so."""
        opened = self._desk.opened
        notes = opened.notes if opened else ()
        counting = opened.chart.notes if opened else ()
        if notes:
            self.open_note(note_id or (counting or notes)[-1].id)
            self.pane.view.setFocus()
        else:
            self.note_id = None
            self.pane.show_empty()

    def show_marks(self) -> None:
        """The marks of the note and what is suggested in it, as they stand now."""
        opened, note_id = self._desk.opened, self.note_id
        if opened is not None and note_id is not None:
            standing = opened.annotations(note_id)
            self.pane.show_marks(shown_marks(standing, opened.open_suggestions(note_id), self._name_of))

    def jump(self, mark: Annotation | None) -> None:
        """Turn to a mark, in whichever note it stands."""
        if mark is None:
            return
        if mark.note_id != self.note_id:
            self.open_note(mark.note_id)
        self.pane.choose_id(mark.id)

    def clear(self) -> None:
        """Forget the note and what was searched for."""
        self.note_id = None
        if self.term_search is not None:
            self.term_search.clear()
        self.pane.clear()

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
            write=self._write,
            error=self._error,
        )

    def _on_mark(self, deed: Callable[[Mark], MarkStep | None], *, then_next: bool = False) -> None:
        mark = self.pane.view.current_mark()
        step = deed(mark) if mark is not None else None
        if step is None:
            if mark is None or then_next:
                self.pane.move(1)
            return
        self._desk.do(step)
        if then_next and mark is not None:
            self.pane.move_on(mark)

    def _change_term(self) -> None:
        mark = self.pane.view.current_mark()
        if mark is None or self.term_search is None:
            return
        self.term_search.ask(
            title="Change the term",
            quote=self._words(mark.start, mark.end),
            query=mark.name,
            state=mark.annotation.state,
            taken=lambda term, state: self._desk.do(changed(mark, term, state)),
        )

    def _add_mark(self) -> None:
        span, note_id = self.pane.view.selected_span(), self.note_id
        if span is None or note_id is None or self.term_search is None or self._note().in_error:
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
        self._desk.do(step)
        self.jump(step.after)

    def _words(self, start: int, end: int) -> str:
        return " ".join(self._note().text[start:end].split())

    def _note(self) -> Note:
        assert self._desk.opened is not None
        assert self.note_id is not None
        return self._desk.opened.note(self.note_id)

    def _travel(self, way: Callable[..., Change | None]) -> None:
        record = self._desk.travel(way)
        if isinstance(record, AnnotationEvent):
            self.jump(record.annotation)

    def _step_note(self, step: int) -> None:
        opened = self._desk.opened
        if opened is None or self.note_id is None:
            return
        ids = [note.id for note in opened.notes]
        place = ids.index(self.note_id) + step
        if 0 <= place < len(ids):
            self.open_note(ids[place])

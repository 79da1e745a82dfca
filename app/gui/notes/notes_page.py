"""Search in the text of every note: type words, choose a note, Enter opens it in its chart."""

from collections.abc import Callable
from threading import Event

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout

from app.clinical.ids import NoteId, PatientId
from app.gui.notes.hit_list import HitList
from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.awaited_enter import AwaitedEnter
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import card, empty_state, label, page_frame, row
from app.gui.shell.search_field import search_field
from app.store.note_search import NoteHits, find_notes

SHOWN = 100
TYPING_PAUSE_MS = 150
_HOW = 'Type words of a note. The last may be begun only; "words in quotes" must follow one another.'
_START, _FOUND, _NOTHING, _GOES_ON = range(4)


class NotesPage:
    """Asks the vault's full-text index and leads to the notes it finds."""

    def __init__(self, session: OpenSession, open_note: Callable[[PatientId, NoteId], object]) -> None:
        self._session = session
        self._open_note = open_note
        self.search = search_field(session.look, "Search in all notes", "Search in all notes")
        self.count = label("", "muted")
        self.hits = HitList(session.look)
        self._stop = Event()  # set: nobody waits for the answer any more
        self._answered = ""
        self._pause = QTimer(self.search, singleShot=True, interval=TYPING_PAUSE_MS)
        self._stack = QStackedWidget()
        self.widget, column, _head = page_frame(
            "Notes", "Words of every note, best first. Down leads into the list, Enter opens the note."
        )
        self._lay_out(column)
        self._connect()

    def refresh(self) -> None:
        """Ask the vault for what stands in the field; an earlier question is given up."""
        text, vault = self.search.text(), self._session.vault
        self._stop.set()
        self._stop = self._session.runner.read_on(
            lambda stop: ((text, hits) for hits in find_notes(vault, text, limit=SHOWN, stop=stop.is_set)),
            self._show,
            self._tell_failure,
        )

    def clear(self) -> None:
        """Forget what was typed and found; called before the vault is locked."""
        self._pause.stop()
        self._stop.set()
        self._answered = ""
        self.search.blockSignals(True)
        self.search.setText("")
        self.hits.show([])
        self.count.setText("")

    def _lay_out(self, column: QVBoxLayout) -> None:
        look = self._session.look
        field = row(self.search, None, self.count)
        field.setStretch(0, 3)
        column.addLayout(field)
        frame, inside = card(margin=1, spacing=0)
        inside.addWidget(self._stack)
        column.addWidget(frame, 1)
        self._stack.addWidget(empty_state(look, "search", "Search in all notes", _HOW))
        self._stack.addWidget(self.hits.widget)
        nothing = "Try fewer words, or only the beginning of the last one."
        self._stack.addWidget(empty_state(look, "note", "No note holds all of these words", nothing))
        on = "Words as common as these take longer; add a rarer one to find a note at once."
        self._stack.addWidget(empty_state(look, "search", "Older notes are being searched", on))

    def _connect(self) -> None:
        self.search.textChanged.connect(lambda _text: self._pause.start())
        self._pause.timeout.connect(self.refresh)
        self._enter = AwaitedEnter(self.search, self._open)
        self.hits.widget.itemActivated.connect(lambda _item: self._open())
        down = QShortcut(QKeySequence("Down"), self.search, context=Qt.ShortcutContext.WidgetShortcut)
        down.activated.connect(self.hits.widget.setFocus)

    def _show(self, answer: tuple[str, NoteHits]) -> None:
        text, hits = answer
        if text != self.search.text():
            return
        chosen = self.hits.current() if text == self._answered else None
        self.hits.show(hits, choose=chosen.note_id if chosen else None)
        self._answered = text
        self.count.setText(counted(hits) if text.strip() else "")
        nothing = _GOES_ON if hits.older_left_out else _NOTHING if text.strip() else _START
        self._stack.setCurrentIndex(_FOUND if hits else nothing)
        if hits or not hits.older_left_out:
            self._enter.answer()

    def _tell_failure(self, failure: Failure) -> None:
        self.count.setText(sentence(failure.message))

    def _open(self) -> None:
        hit = self.hits.current()
        if hit is not None:
            self._open_note(hit.patient_id, hit.note_id)


def counted(hits: NoteHits) -> str:
    """How many notes are shown, and whether more may come."""
    if hits.older_left_out:
        return f"{len(hits) or 'none'} so far; searching older notes"
    if len(hits) >= SHOWN:
        return f"the best {SHOWN}; add a word to narrow"
    return "1 note" if len(hits) == 1 else f"{len(hits)} notes"

"""The frame of a form over the window: what is typed stays until it is saved, or thrown away on purpose."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QDialog, QMessageBox, QVBoxLayout, QWidget

from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import ask, open_over, sentence
from app.gui.shell.furniture import button, foot, label, set_role
from app.gui.shell.withheld import read_only_words
from app.store.rights import Right, remedy

SAVE_KEYS = ("Ctrl+Return", "Ctrl+Enter")
Saved = TypeVar("Saved")


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the frame: `body` are the fields, `typed` tells of words there, `empty` forgets all.

    `deed` and `role` are the saving button's, `waiting` is said while the deed is done.
    """

    title: str
    about: str
    body: QWidget
    typed: Callable[[], bool]
    save: Callable[[], object]
    empty: Callable[[], object]
    deed: str = "Save"
    role: str = "primary"
    waiting: str = ""


class WritingDialog:
    """Ctrl+Return saves, Return alone never does; Escape asks; a lock closes it and empties it unasked."""

    def __init__(self, parent: QWidget, session: OpenSession, form: Form) -> None:
        self._session, self._form = session, form
        self.asking: QMessageBox | None = None
        self.decided = False  # whether somebody has saved the words, or thrown them away
        self._place: QWidget | None = None
        self.dialog = QDialog(parent)
        self.dialog.setWindowTitle(form.title)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.finished.connect(self._left)
        self._guard = _Guard(self.dialog, self.leave)
        self.message = label("", "error", wrap=True)
        self.message.hide()
        self.save_button = button(form.deed, form.save, role=form.role, tip=f"{form.deed} ({SAVE_KEYS[0]})")
        self.cancel = button("Cancel", self.leave, role="quiet", tip="Close without saving (Esc)")
        self._lay_out()
        saving = QAction(self.dialog)
        saving.setShortcuts([QKeySequence(key) for key in SAVE_KEYS])
        saving.triggered.connect(lambda _checked=False: self.save_button.click())
        self.dialog.addAction(saving)

    def open(self) -> None:
        """Show it over the window."""
        self._grow()
        open_over(self.dialog)

    def leave(self) -> None:
        """Close; where words were typed, only once somebody says that they may go."""
        if not self.save_button.isEnabled():
            return  # they are being saved
        if not self._form.typed():
            self._go()
            return
        advice = "It is not saved, and can't be brought back."
        self.asking = ask(self.dialog, "Throw away what you typed?", advice, "Throw away", self._go)

    def saved(self) -> None:
        """Close: the words are in the vault."""
        self.decided = True
        self.dialog.accept()

    def tell(self, words: str, *, role: str) -> None:
        """Say something between the fields and the buttons: a `notice`, an `error`."""
        set_role(self.message, role)
        self.message.setText(words)
        self.message.show()
        self._grow()

    def read(self, deed: Callable[[], Saved], then: Callable[[Saved], object]) -> None:
        """Ask the vault for what belongs into the fields, before anybody types."""
        self._begin(deed, then, self._session.runner.read)

    def write(self, deed: Callable[[], Saved], then: Callable[[Saved], object]) -> None:
        """Do it off the window's thread; the form stays as it is until `then` closes it."""
        self._begin(deed, then, self._session.runner.write)

    def _begin(
        self, deed: Callable[[], Saved], then: Callable[[Saved], object], run: Callable[..., None]
    ) -> None:
        self._place = self.dialog.focusWidget()
        self._wait(True)

        def go_on(answer: Saved) -> None:
            self._wait(False)
            then(answer)

        run(deed, go_on, self._refuse)

    def _grow(self) -> None:
        """As high as its wrapped words need, where it is not higher."""
        width, layout = self.dialog.width(), self.dialog.layout()
        assert layout is not None
        self.dialog.resize(width, max(self.dialog.height(), layout.totalHeightForWidth(width)))

    def _go(self) -> None:
        self.decided = True
        self.dialog.reject()

    def _refuse(self, failure: Failure) -> None:
        self._wait(False)
        self.tell(sentence(failure.message), role="error")

    def _wait(self, waiting: bool) -> None:
        self.message.hide()
        if waiting and self._form.waiting:
            self.tell(self._form.waiting, role="notice")
        self.save_button.setEnabled(not waiting)
        self._form.body.setEnabled(not waiting)
        if not waiting and self._place is not None:
            self._place.setFocus()

    def _left(self, _code: int) -> None:
        self._form.empty()
        self.message.clear()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(22, 18, 22, 16)
        column.setSpacing(12)
        column.addWidget(label(self._form.title, "heading"))
        column.addWidget(self._form.body, 1)
        column.addWidget(self.message)
        column.addLayout(foot(label(self._form.about, "muted"), self.cancel, self.save_button))


def may_write(session: OpenSession) -> bool:
    """Whether this person may write into this vault now; says why not before anything is typed."""
    vault = session.vault
    why = read_only_words(session)
    if not why and not vault.may(Right.WRITE):
        why = sentence(remedy(vault.role, Right.WRITE))
    if why:
        session.runner.failed.emit(Failure(why, expected=True))
    return not why


class _Guard(QObject):
    """Asks before Escape or the frame's own button closes a dialog; Return presses no button of it.

    A lock closes it from inside the program, which is not spontaneous and passes.
    """

    def __init__(self, dialog: QDialog, leave: Callable[[], object]) -> None:
        super().__init__(dialog)
        self._dialog, self._leave = dialog, leave
        dialog.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """True for what the dialog is not to see."""
        if watched is not self._dialog:
            return False
        if event.type() is QEvent.Type.Close and event.spontaneous():
            event.ignore()
            self._leave()
            return True
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape:
                self._leave()
            return event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        return False

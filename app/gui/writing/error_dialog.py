"""Marks a note as entered in error, with one of a few reasons, and asks before such a note counts again."""

from collections.abc import Callable

from PySide6.QtWidgets import QButtonGroup, QMessageBox, QRadioButton, QVBoxLayout, QWidget

from app.clinical.note import EnteredInError, ErrorReason, Note
from app.errors import UsageError
from app.gui.session import OpenSession
from app.gui.shell.dialogs import ask, size_within
from app.gui.shell.elided_label import ElidedLabel
from app.gui.shell.furniture import label
from app.gui.writing.writing_dialog import Form, WritingDialog
from app.store.note_error import let_count_again, mark_in_error

TITLE = "Entered in error"
ABOUT = "The audit log keeps who, when and why. The note can be made to count again."
WHAT_IT_DOES = (
    "The note stays in the chart, struck out. It counts nowhere: not in the differential, not in the search "
    "of notes, not in what the model learns."
)
NO_REASON = "no reason is chosen yet; choose why the note should not be in this chart"
_LETTERED = {
    ErrorReason.WRONG_PATIENT: "Written for another &patient",
    ErrorReason.WRITTEN_TWICE: "Written &twice",
    ErrorReason.WRONG_CONTENT: "What it says is &wrong",
    ErrorReason.WRONG_DATE: "Its &date or kind is wrong",
    ErrorReason.OTHER: "&Another reason",
}


class ErrorDialog:
    """Asks why; `then` follows once the vault has it. Nothing is chosen beforehand."""

    def __init__(self, parent: QWidget, session: OpenSession, note: Note, then: Callable[[], object]) -> None:
        self._session, self._note_id, self._then = session, note.id, then
        self.which = ElidedLabel()
        self.which.setText(_called(note))
        self.reasons = {reason: QRadioButton(words) for reason, words in _LETTERED.items()}
        self.frame = WritingDialog(
            parent,
            session,
            Form(TITLE, ABOUT, self._body(), lambda: False, self.save, self._empty, "Mark as in error"),
        )
        self.frame.dialog.resize(size_within(self.frame.dialog, session.look, 520, 380))

    def open(self) -> None:
        """Show it, the keyboard among the reasons."""
        self.frame.open()
        self.reasons[ErrorReason.WRONG_PATIENT].setFocus()

    def save(self) -> None:
        """Mark the note; what is refused is said in the dialog."""
        vault, note_id = self._session.vault, self._note_id
        reason = next((reason for reason, choice in self.reasons.items() if choice.isChecked()), None)

        def deed() -> None:
            if reason is None:
                raise UsageError(NO_REASON)
            mark_in_error(vault, note_id, reason)

        self.frame.write(deed, self._close)

    def _close(self, _done: None) -> None:
        self.frame.saved()
        self._then()

    def _empty(self) -> None:
        self.which.setText("")

    def _body(self) -> QWidget:
        made = QWidget()
        group = QButtonGroup(made)
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.which)
        column.addWidget(label(WHAT_IT_DOES, "muted", wrap=True))
        column.addSpacing(6)
        for choice in self.reasons.values():
            group.addButton(choice)
            column.addWidget(choice)
        column.addStretch(1)
        return made


def ask_to_count_again(
    parent: QWidget, session: OpenSession, note: Note, then: Callable[[], object]
) -> QMessageBox:
    """Ask before a note that was entered in error counts again; `then` follows the deed."""
    vault, note_id = session.vault, note.id
    advice = f"{_called(note)}. {told(note.in_error)} " if note.in_error else ""
    return ask(
        parent,
        "Let this note count again?",
        f"{advice}Its marks stand again, and the differential reads it.",
        "Let it count",
        lambda: session.runner.write(lambda: let_count_again(vault, note_id), lambda _done: then()),
    )


def told(error: EnteredInError) -> str:
    """Why a note counts nowhere, who said so and when, as a sentence."""
    return f"Entered in error: {error.reason}. Marked by {error.by} on {error.at[:10]}."


def _called(note: Note) -> str:
    return ", ".join(filter(None, (note.title or "Note", note.written_at[:10], note.author)))

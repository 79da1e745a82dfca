"""A new note of a patient: its day, its kind and its text."""

from collections.abc import Callable

from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.clinical.ids import NoteId, PatientId
from app.clinical.patient import Patient, called
from app.gui.session import OpenSession
from app.gui.shell.choice import choice_box
from app.gui.shell.dialogs import size_within
from app.gui.shell.elided_label import ElidedLabel
from app.gui.shell.furniture import named_field, row
from app.gui.writing.writing_dialog import Form, WritingDialog
from app.workflows.keep_draft import forget_draft, keep_draft, read_draft
from app.workflows.write_note import LONGEST_KIND, TypedNote, write_note

KINDS = (
    *("Progress note", "Consultation", "Admission note", "Emergency note", "Discharge letter"),
    *("Referral letter", "Report", "Telephone call"),
)
ABOUT = (
    "A saved note can't be changed, only marked as entered in error. At a lock, what is not saved is kept "
    "in the vault."
)
DRAFT = "You had begun this note when the vault was locked."


class NoteDialog:
    """`written` gets the note's id, once it is in the vault and the dialog is closed."""

    def __init__(
        self, parent: QWidget, session: OpenSession, patient: Patient, written: Callable[[NoteId], object]
    ) -> None:
        self._session, self._patient_id, self._written = session, PatientId(patient.id), written
        self.whose = ElidedLabel()
        self.whose.setText(called(patient.name, patient.record_number))
        self.day = QLineEdit(session.around.today().isoformat(), placeholderText="YYYY-MM-DD")
        self.kind = _kind_box()
        self.text = QPlainTextEdit(tabChangesFocus=True)
        self.text.setPlaceholderText("Type or paste the note")
        self.text.setAccessibleName("Text of the note")
        self.frame = WritingDialog(
            parent, session, Form("New note", ABOUT, self._body(), self._typed, self.save, self._empty)
        )
        self.frame.dialog.resize(size_within(self.frame.dialog, session.look, 780, 600))

    def open(self) -> None:
        """Show it, ready to type the text."""
        self.frame.open()
        self.text.setFocus()
        vault, patient = self._session.vault, self._patient_id
        self.frame.read(lambda: read_draft(vault, patient), self._take_draft)

    def save(self) -> None:
        """File the note; what is refused stays in the form, with the reason."""
        vault, patient, around = self._session.vault, self._patient_id, self._session.around
        typed = self._words()
        today, at = around.today(), around.now()
        self.frame.write(lambda: write_note(vault, patient, typed, today=today, at=at), self._close)

    def _close(self, note: NoteId) -> None:
        self.frame.saved()
        self._written(note)

    def _typed(self) -> bool:
        return bool(self.text.toPlainText().strip())

    def _words(self) -> TypedNote:
        return TypedNote(self.text.toPlainText(), self.day.text(), self.kind.currentText())

    def _take_draft(self, draft: TypedNote | None) -> None:
        if draft is not None:
            self.text.setPlainText(draft.text)
            self.text.moveCursor(QTextCursor.MoveOperation.End)
            self.day.setText(draft.day)
            self.kind.setEditText(draft.kind)
            self.frame.tell(DRAFT, role="notice")

    def _settle_draft(self) -> None:
        """At a lock the words go into the vault; where they were saved or thrown away, no draft is left."""
        vault, patient = self._session.vault, self._patient_id
        if self.frame.decided:
            self._session.runner.write(lambda: forget_draft(vault, patient), lambda _done: None)
        elif self._typed():
            typed = self._words()
            self._session.runner.write(lambda: keep_draft(vault, patient, typed), lambda _done: None)

    def _empty(self) -> None:
        self._settle_draft()
        self.whose.setText("")
        self.day.clear()
        self.text.clear()
        self.kind.clearEditText()

    def _body(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        line = row()
        for words, field, share in (("&Date", self.day, 2), ("&Kind", self.kind, 3)):
            line.addWidget(named_field(words, field))
            line.addWidget(field, share)
        column.addWidget(self.whose)
        column.addLayout(line)
        column.addWidget(self.text, 1)
        return made


def _kind_box() -> QComboBox:
    made = choice_box("Kind of note", [(kind, kind) for kind in KINDS], tip="Choose a kind, or type one")
    made.setEditable(True)
    made.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    line = made.lineEdit()
    assert line is not None
    line.setMaxLength(LONGEST_KIND)
    line.setAccessibleName(made.accessibleName())
    return made

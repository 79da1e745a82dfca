"""A new patient: name, record number, birth date and sex."""

from collections.abc import Callable

from PySide6.QtWidgets import QLineEdit, QMessageBox, QWidget

from app.clinical.ids import PatientId
from app.gui.session import OpenSession
from app.gui.shell.choice import choice_box
from app.gui.shell.dialogs import ask, size_within
from app.gui.shell.furniture import field_form, named_field
from app.gui.writing.writing_dialog import Form, WritingDialog
from app.workflows.write_patient import (
    LONGEST_NAME,
    LONGEST_NUMBER,
    NumberTaken,
    TypedPatient,
    write_patient,
)
from knowledge_graph.findings.finding import Sex

ABOUT = "Only the name must be given. What is not saved is lost when the vault locks."
TAKEN = "Another patient has this record number"
SECOND = "Add a second patient"
_SEXES = (("Unknown", Sex.UNKNOWN), ("Female", Sex.FEMALE), ("Male", Sex.MALE), ("Other", Sex.OTHER))


class PatientDialog:
    """`written` gets the patient's id, once she is in the vault and the dialog is closed."""

    def __init__(self, parent: QWidget, session: OpenSession, written: Callable[[PatientId], object]) -> None:
        self._session, self._written = session, written
        self.asking: QMessageBox | None = None
        self.name = QLineEdit(maxLength=LONGEST_NAME, placeholderText="Family name, given name")
        self.number = QLineEdit(maxLength=LONGEST_NUMBER, placeholderText="If there is one")
        self.birth_date = QLineEdit(placeholderText="YYYY-MM-DD, or only the year")
        self.sex = choice_box("Sex", _SEXES)
        self.frame = WritingDialog(
            parent, session, Form("New patient", ABOUT, self._body(), self._typed, self.save, self._empty)
        )
        self.frame.dialog.resize(size_within(self.frame.dialog, session.look, 500, 380))

    def open(self) -> None:
        """Show it, ready to type the name."""
        self.frame.open()
        self.name.setFocus()

    def save(self, *, second: bool = False) -> None:
        """File the patient; `second` says that another one of this record number is meant."""
        born, sex = self.birth_date.text(), Sex(self.sex.currentData())
        typed = TypedPatient(self.name.text(), self.number.text(), born, sex)
        vault, around = self._session.vault, self._session.around
        today, at = around.today(), around.now()
        self.frame.write(lambda: write_patient(vault, typed, today=today, at=at, second=second), self._take)

    def _take(self, answer: PatientId | NumberTaken) -> None:
        if isinstance(answer, NumberTaken):
            advice = f"{answer.holder}. Cancel to correct the number, or to look for the patient in the list."
            self.asking = ask(self.frame.dialog, TAKEN, advice, SECOND, lambda: self.save(second=True))
            return
        self.frame.saved()
        self._written(answer)

    def _typed(self) -> bool:
        return any(field.text().strip() for field in self._fields())

    def _empty(self) -> None:
        for field in self._fields():
            field.clear()
        self.sex.setCurrentIndex(0)

    def _fields(self) -> tuple[QLineEdit, ...]:
        return self.name, self.number, self.birth_date

    def _body(self) -> QWidget:
        made = QWidget()
        form = field_form()
        form.setContentsMargins(0, 0, 0, 0)
        made.setLayout(form)
        for words, field in (
            ("&Name", self.name),
            ("Record n&umber", self.number),
            ("&Born", self.birth_date),
            ("Se&x", self.sex),
        ):
            form.addRow(named_field(words, field), field)
        return made

"""Asks which diseases the site treats: a public list, chosen without looking at the patients."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence, size_within
from app.gui.shell.furniture import button, label, row
from app.workflows.list_models import current_version
from app.workflows.plan_training import DISEASE_ID, declare_diseases, known_diseases


class DeclareDialog:
    """One disease id a line; words after an id are a remark."""

    def __init__(
        self, parent: QWidget, session: OpenSession, declared: Sequence[str], saved: Callable[[], object]
    ) -> None:
        self._session = session
        self._saved = saved
        self.dialog = QDialog(parent)
        self.dialog.setWindowTitle("Diseases the site treats")
        self.dialog.resize(size_within(self.dialog, session.look, 520, 420))
        self.text = QPlainTextEdit("\n".join(declared))
        self.text.setPlaceholderText("OMIM:154700  Marfan syndrome\nORPHA:716")
        self.text.setAccessibleName("Disease ids, one a line")
        self.message = label("", "error", wrap=True)
        self.message.hide()
        self.save_button = button("Declare", self.save, role="primary")
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(label("Diseases the site treats", "heading"))
        column.addWidget(label(_WHY, "muted", wrap=True))
        column.addWidget(self.text, 1)
        column.addWidget(self.message)
        column.addLayout(row(None, button("Cancel", self.dialog.reject), self.save_button))

    def save(self) -> None:
        """Keep the list, if every line begins with an id."""
        lines = self.text.toPlainText().splitlines()
        ids = {number: line.split()[0] for number, line in enumerate(lines, start=1) if line.strip()}
        strange = [number for number, word in ids.items() if not DISEASE_ID.fullmatch(word)]
        if strange:
            self._tell(f"Line {strange[0]} does not begin with a disease id such as OMIM:154700.")
            return
        if not ids:
            self._tell(_EMPTY)
            return
        vault = self._session.vault
        self._session.runner.write(
            lambda: declare_diseases(vault, known_diseases(list(ids.values()), current_version(vault))),
            lambda _done: self._close(),
            self._refuse,
        )

    def _close(self) -> None:
        self.dialog.accept()
        self._saved()

    def _refuse(self, failure: Failure) -> None:
        self._tell(sentence(failure.message))

    def _tell(self, text: str) -> None:
        self.message.setText(text)
        self.message.show()


_EMPTY = "Name at least one disease."
_WHY = (
    "Only the parts of the model that stand for these diseases learn, so noise falls on nothing else. The "
    "list becomes public with the model: make it from what the department offers, never from its patients."
)

"""Asks for a reason before someone whose role may not open charts does so in an emergency."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, label, row
from app.store.break_glass import LONGEST, break_glass

_ABOUT = (
    "Your role does not open charts and notes. In an emergency you may do so until the vault is locked. Your "
    "name and reason are kept in the audit log, and the privacy officer reviews them. Name no patient."
)


class BreakGlassDialog:
    """One field and two buttons; `then` is called once the glass is broken."""

    def __init__(self, parent: QWidget, session: OpenSession, then: Callable[[], object]) -> None:
        self._session = session
        self._then = then
        self.dialog = QDialog(parent)
        self.dialog.setWindowTitle("Emergency access")
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.reason = QLineEdit(placeholderText="Why you need it now", maxLength=LONGEST)
        self.reason.setAccessibleName("Reason for the emergency access")
        self.message = label("", "error", wrap=True)
        self.message.hide()
        self.agree = button("Break the glass", self._break, role="danger")
        self.cancel = button("Cancel", self.dialog.reject, role="quiet")
        self._lay_out()

    def open(self) -> None:
        """Show it over the window."""
        self._fit()
        self.dialog.open()
        self.reason.setFocus()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(12)
        for part in (label("Emergency access", "heading"), label(_ABOUT, "muted", wrap=True), self.message):
            column.addWidget(part)
        column.addWidget(self.reason)
        column.addLayout(row(None, self.cancel, self.agree))
        self.agree.setAutoDefault(True)
        self.agree.setDefault(True)
        self.cancel.setAutoDefault(False)

    def _break(self) -> None:
        vault, reason = self._session.vault, self.reason.text()
        self.agree.setEnabled(False)
        self._session.runner.write(
            lambda: break_glass(vault, reason), lambda _none: self._go_on(), self._refuse
        )

    def _go_on(self) -> None:
        self.dialog.accept()
        self._then()

    def _refuse(self, failure: Failure) -> None:
        self.agree.setEnabled(True)
        self.message.setText(sentence(failure.message))
        self.message.show()
        self._fit()

    def _fit(self) -> None:
        """As high as its wrapped words need."""
        width, layout = self._session.look.px(480), self.dialog.layout()
        assert layout is not None
        self.dialog.setFixedSize(width, layout.totalHeightForWidth(width))

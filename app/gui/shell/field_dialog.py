"""A dialog with one line to type: it stays open, and says why, where the deed is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import open_over, sentence, size_within
from app.gui.shell.furniture import button, label, row


@dataclass(frozen=True, slots=True)
class FieldDeed:
    """What the dialog says and does: `act` gets what was typed, off the window's thread.

    `may_wait` is for what may ask a person something, as a keyring does: no write and no lock waits for it.
    """

    title: str
    about: str
    button: str
    act: Callable[[str], object]
    role: str = "primary"
    may_wait: bool = False


class FieldDialog:
    """One field and two buttons; `then` follows the deed."""

    def __init__(
        self,
        parent: QWidget,
        session: OpenSession,
        deed: FieldDeed,
        field: QLineEdit,
        then: Callable[[], object],
    ) -> None:
        self._session, self._deed, self._then = session, deed, then
        self.dialog = QDialog(parent)
        self.dialog.setWindowTitle(deed.title)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.finished.connect(self._leave)
        self._left = False
        self.field = field
        self.message = label("", "error", wrap=True)
        self.message.hide()
        self.agree = button(deed.button, self._do, role=deed.role)
        self.cancel = button("Cancel", self.dialog.reject, role="quiet")
        self._lay_out()

    def open(self) -> None:
        """Show it over the window."""
        self._fit()
        open_over(self.dialog)
        self.field.setFocus()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(12)
        column.addWidget(label(self._deed.title, "heading"))
        column.addWidget(label(self._deed.about, "muted", wrap=True))
        column.addWidget(self.message)
        column.addWidget(self.field)
        column.addLayout(row(None, self.cancel, self.agree))
        self.agree.setAutoDefault(True)
        self.agree.setDefault(True)
        self.cancel.setAutoDefault(False)

    def _do(self) -> None:
        typed = self.field.text()
        self._wait(True)
        runner, act = self._session.runner, self._deed.act
        run = runner.read if self._deed.may_wait else runner.write
        run(lambda: act(typed), lambda _done: self._go_on(), self._refuse)

    def _wait(self, waiting: bool) -> None:
        self.agree.setEnabled(not waiting)
        self.field.setEnabled(not waiting)

    def _leave(self, _code: int) -> None:
        self._left = True

    def _go_on(self) -> None:
        if not self._left:
            self.dialog.accept()
        self._then()

    def _refuse(self, failure: Failure) -> None:
        if self._left:
            self._session.runner.failed.emit(failure)
            return
        self._wait(False)
        self.message.setText(sentence(failure.message))
        self.message.show()
        self._fit()
        self.field.setFocus()
        self.field.selectAll()

    def _fit(self) -> None:
        """As high as its wrapped words need."""
        width, layout = size_within(self.dialog, self._session.look, 480, 1).width(), self.dialog.layout()
        assert layout is not None
        self.dialog.setFixedSize(width, layout.totalHeightForWidth(width))

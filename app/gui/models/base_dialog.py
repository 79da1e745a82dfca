"""Asks for a coordinator's new base file and, where none is trusted yet, for the coordinator's key."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from app.gui.session import OpenSession
from app.gui.shell.dialogs import open_over, size_within
from app.gui.shell.furniture import button, field_form, label, named_field, row


class BaseDialog:
    """`then` gets the file and the key that was typed, or None where the vault knows one."""

    def __init__(
        self,
        parent: QWidget,
        session: OpenSession,
        trusted: str | None,
        then: Callable[[Path, str | None], object],
    ) -> None:
        self._trusted = trusted
        self._then = then
        self.dialog = QDialog(parent)
        self.dialog.setWindowTitle("Install a new base model")
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.path, self.key = QLineEdit(), QLineEdit(trusted or "")
        self.path.setPlaceholderText("round-1.fedbase")
        self.key.setPlaceholderText("ed25519:…")
        self.key.setReadOnly(trusted is not None)
        self.choose_button = button("Choose…", self.choose, tip="The file that the coordinator sent")
        self.install_button = button("Install", self.install, role="primary")
        for field in (self.path, self.key):
            field.textChanged.connect(lambda _text: self._show_ready())
        self._lay_out()
        self._show_ready()
        width, layout = size_within(self.dialog, session.look, 520, 1).width(), self.dialog.layout()
        assert layout is not None
        self.dialog.setFixedSize(width, layout.totalHeightForWidth(width))

    def open(self) -> None:
        """Show it over the window."""
        open_over(self.dialog)
        self.path.setFocus()

    def choose(self) -> None:
        """Ask for the file."""
        name, _kind = QFileDialog.getOpenFileName(
            self.dialog, "Choose the base file", "", "Base file (*.fedbase);;All files (*)"
        )
        if name:
            self.path.setText(name)

    def install(self) -> None:
        """Close, and hand over what was named."""
        path = Path(self.path.text().strip()).expanduser()
        key = None if self._trusted is not None else self.key.text().strip()
        self.dialog.accept()
        self._then(path, key)

    def _lay_out(self) -> None:
        form = field_form()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        place = QWidget()
        place.setLayout(row(self.path, self.choose_button))
        form.addRow(named_field("&File", self.path), place)
        form.addRow(named_field("Coordinator's &key", self.key), self.key)
        column = QVBoxLayout(self.dialog)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(12)
        column.addWidget(label("Install a new base model", "heading"))
        column.addWidget(label(_WHAT, "muted", wrap=True))
        column.addLayout(form)
        column.addWidget(label(_KNOWN if self._trusted else _NEW, "muted", wrap=True))
        cancel = button("Cancel", self.dialog.reject, role="quiet")
        cancel.setAutoDefault(False)
        column.addLayout(row(None, cancel, self.install_button))
        self.install_button.setDefault(True)

    def _show_ready(self) -> None:
        self.install_button.setEnabled(bool(self.path.text().strip() and self.key.text().strip()))


_WHAT = (
    "A coordinator makes it of several hospitals' update files. It is installed only if its signature is the "
    "coordinator's and it reads public synthetic notes as well as the model in use. You can roll back."
)
_KNOWN = "This vault trusts this coordinator; a base that another one signed is refused."
_NEW = (
    "The coordinator tells you the key by another way than the file, on the telephone say. It is kept with "
    "the first base that is installed, and no other is accepted afterwards."
)

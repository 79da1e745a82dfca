"""A form that changes who has access: its fields, and the administrator's agreement where the policy asks."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from app.gui.session import OpenSession
from app.gui.shell.dialogs import size_within
from app.gui.shell.furniture import field_form, label, named_field
from app.gui.writing.writing_dialog import Form, WritingDialog
from app.workflows.agree_on_access import Agreement

Field = QLineEdit | QComboBox
WAITING = "Working on the key; a passphrase is tried slowly on purpose."


@dataclass(frozen=True, slots=True)
class Access:
    """What the form says and does: `read` takes what stands in the fields, and gives the deed.

    The deed gets the agreement, and runs off the window's thread; it may ask a keyring where `may_wait`.
    """

    title: str
    about: str
    deed: str
    fields: tuple[tuple[str, Field], ...]
    read: Callable[[], Callable[[Agreement | None], object]]
    role: str = "primary"
    needs_administrator: bool = False
    may_wait: bool = False


class AccessDialog:
    """Stays open, and says why, where the deed is refused; empty once it is closed.

    Return in the last field does it.
    """

    def __init__(
        self, parent: QWidget, session: OpenSession, access: Access, then: Callable[[], object]
    ) -> None:
        self._access, self._then = access, then
        self.administrator = QLineEdit(placeholderText="Who agrees to this")
        self.agreement = secret()
        self._fields = list(access.fields)
        if access.needs_administrator:
            self._fields += [("Ad&ministrator", self.administrator), ("Her pa&ssphrase", self.agreement)]
        form = Form(
            title=access.title,
            about="Who did it, to whom and when is kept in the audit log.",
            body=self._body(),
            typed=lambda: False,
            save=self.save,
            empty=self._empty,
            deed=access.deed,
            role=access.role,
            waiting=WAITING,
        )
        self.frame = WritingDialog(parent, session, form)
        typed_last = [field for _words, field in self._fields if isinstance(field, QLineEdit)][-1:]
        for field in typed_last:
            field.returnPressed.connect(self.frame.save_button.click)
        self.frame.dialog.resize(size_within(self.frame.dialog, session.look, 520, 1))

    def open(self) -> None:
        """Show it, the keyboard in the first field."""
        self.frame.open()
        (self._fields[0][1] if self._fields else self.frame.cancel).setFocus()

    def save(self) -> None:
        """Do it with what was typed."""
        deed = self._access.read()
        name, typed = self.administrator.text().strip(), self.agreement.text()
        agreement = Agreement(name, typed) if name else None
        run = self.frame.read if self._access.may_wait else self.frame.write
        run(lambda: deed(agreement), lambda _done: self._close())

    def _close(self) -> None:
        self.frame.saved()
        self._then()

    def _empty(self) -> None:
        for _words, field in self._fields:
            if isinstance(field, QLineEdit):
                field.clear()

    def _body(self) -> QWidget:
        made = QWidget()
        column = QVBoxLayout(made)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(label(self._access.about, "muted", wrap=True))
        form = field_form()
        for words, field in self._fields:
            form.addRow(named_field(words, field), field)
        column.addLayout(form)
        column.addStretch(1)
        return made


def secret() -> QLineEdit:
    """A field whose words nobody sees."""
    return QLineEdit(echoMode=QLineEdit.EchoMode.Password)

"""The card that binds the signed-in user's passphrase to this device, or lets it go."""

from PySide6.QtWidgets import QLineEdit

from app.gui.operations.runner import Failure
from app.gui.session import OpenSession
from app.gui.shell.dialogs import sentence
from app.gui.shell.field_dialog import FieldDeed, FieldDialog
from app.gui.shell.furniture import button, card, label, row
from app.gui.shell.withheld import withhold_writing
from app.store.device_binding import bind_device, is_bound, unbind_device


class DeviceCard:
    """Says whether the slot is bound, and opens the dialog that changes it."""

    def __init__(self, session: OpenSession) -> None:
        self._session = session
        self.asking: FieldDialog | None = None
        self.state = label("", wrap=True)
        self.change = button("Bind to this device…", self.ask)
        withhold_writing(session, self.change)
        self.widget, column = card()
        column.addWidget(label("This device", "heading"))
        column.addWidget(self.state)
        column.addLayout(row(self.change, None))
        self._bound = False

    def refresh(self) -> None:
        """Ask the vault's header."""
        vault = self._session.vault
        self._session.runner.read(lambda: is_bound(vault), self._show, self._show_why_not)

    def ask(self) -> None:
        """Explain, and ask for the passphrase."""
        vault = self._session.vault
        title, about, button_text, act = _UNBIND if self._bound else _BIND
        deed = FieldDeed(title, about, button_text, lambda typed: act(vault, passphrase=typed), may_wait=True)
        passphrase = QLineEdit(echoMode=QLineEdit.EchoMode.Password, placeholderText="Your passphrase")
        passphrase.setAccessibleName("Your passphrase")
        self.asking = FieldDialog(self.widget, self._session, deed, passphrase, self.refresh)
        self.asking.open()

    def _show(self, bound: bool) -> None:
        self._bound = bound
        self.state.setText(_BOUND if bound else _FREE)
        self.change.setText("Unbind from this device…" if bound else "Bind to this device…")
        self.change.setEnabled(True)

    def _show_why_not(self, failure: Failure) -> None:
        self.state.setText(sentence(failure.message))
        self.change.setEnabled(False)


_FREE = (
    "Your passphrase opens this vault, and every copy of it, on any machine. Bound to this device, it opens "
    "them here alone: who has a copy can't even begin to guess."
)
_BOUND = (
    "Your passphrase opens this vault on this device alone, together with a secret that the desktop's "
    "keyring keeps. The recovery words and colleagues who are not bound open it anywhere."
)
_BIND = (
    "Bind to this device",
    "The desktop's keyring will keep a second half of your key; it holds no passphrase and opens nothing by "
    "itself. If this device is lost, only the recovery words or a colleague open the vault for you: have the "
    "words at hand before you bind. Copies made until now stay as they are.",
    "Bind",
    bind_device,
)
_UNBIND = (
    "Unbind from this device",
    "Your passphrase alone will open this vault again, on any machine. The keyring goes on holding the "
    "second half, for backups made while you were bound.",
    "Unbind",
    unbind_device,
)

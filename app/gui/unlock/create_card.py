"""The card that makes a new vault, then shows its recovery words once."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QStackedWidget,
    QWidget,
)

from app.gui.operations.runner import Failure
from app.gui.session import Surroundings
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import at_top, button, card, label, named_field, row
from app.gui.unlock.recovery_sheet import RecoverySheet
from app.gui.unlock.vault_opening import create_vault, passphrase_advice
from app.store.key_derivation import KdfParameters
from app.store.new_passphrase import SHORTEST
from app.store.vault import Vault


class CreateCard:
    """Asks for folder and passphrase; after the recovery words are noted, hands the vault over."""

    def __init__(
        self, around: Surroundings, opened: Callable[[Vault], object], go_back: Callable[[], object]
    ) -> None:
        self._around = around
        self._opened = opened
        self._go_back = go_back
        self._vault: Vault | None = None
        self.kdf: KdfParameters | None = None
        self.folder = QLineEdit(str(Path.home() / "clinic.vault"))
        self.user = QLineEdit()
        self.passphrase = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.again = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.message = label("", "error", wrap=True)
        self.create_button = button("Create vault", self.create, role="primary")
        self.back_button = button("Back", self._leave, role="quiet")
        self.continue_button = button("Open the new vault", self._hand_over, role="primary")
        self.sheet = RecoverySheet("Your recovery words", _WORDS, self.continue_button)
        self.words, self.noted = self.sheet.words, self.sheet.noted
        self.widget = QStackedWidget()
        self.widget.addWidget(self._form_card())
        self.widget.addWidget(at_top(self.sheet.widget))

    def start(self, user: str) -> None:
        """Show the form, for a user."""
        self.user.setText(user)
        self.message.hide()
        self.widget.setCurrentIndex(0)
        self.folder.setFocus()

    def create(self) -> None:
        """Make the vault with what was typed."""
        if not self.create_button.isEnabled():
            return  # Enter was pressed again: it is being made
        advice = passphrase_advice(self.passphrase.text(), self.again.text())
        if advice:
            self._tell(sentence(advice))
            return
        path, user, secret = Path(self.folder.text()).expanduser(), self.user.text(), self.passphrase.text()
        kdf = self.kdf
        self.message.hide()
        self._busy(True)
        self._around.runner.write(
            lambda: create_vault(path, user, secret, kdf), self._show_words, self._refuse
        )

    def _busy(self, busy: bool) -> None:
        """A second or two: the key is derived slowly on purpose. Leaving would miss the recovery words."""
        for part in (self.create_button, self.back_button):
            part.setEnabled(not busy)
        self.create_button.setText("Creating…" if busy else "Create vault")

    def _form_card(self) -> QWidget:
        frame, column = card(margin=22, spacing=14)
        column.addWidget(label("Create a new vault", "heading"))
        column.addWidget(label(_ABOUT, "muted", wrap=True))
        column.addWidget(self.message)
        form = QFormLayout(verticalSpacing=10, horizontalSpacing=14)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(named_field("&Folder", self.folder), row(self.folder, button("Choose…", self._choose)))
        form.addRow(named_field("&User", self.user), self.user)
        form.addRow(named_field("&Passphrase", self.passphrase), self.passphrase)
        form.addRow(named_field("Passphrase &again", self.again), self.again)
        column.addLayout(form)
        column.addLayout(row(self.back_button, None, self.create_button))
        column.addStretch(1)
        self.again.returnPressed.connect(self.create)
        return at_top(frame)

    def _show_words(self, made: tuple[Vault, str]) -> None:
        self._vault, words = made
        self._forget_passphrases()
        self._busy(False)
        self.widget.setCurrentIndex(1)
        self.sheet.show(words)

    def _forget_passphrases(self) -> None:
        for field in (self.passphrase, self.again):
            field.clear()

    def _leave(self) -> None:
        self._forget_passphrases()
        self._go_back()

    def _hand_over(self) -> None:
        vault, self._vault = self._vault, None
        self.sheet.clear()
        self.widget.setCurrentIndex(0)
        self._go_back()
        if vault is not None:
            self._opened(vault)

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.widget, "Choose where the vault shall lie")
        if folder:
            self.folder.setText(str(Path(folder) / "clinic.vault"))

    def _refuse(self, failure: Failure) -> None:
        self._busy(False)
        self._tell(sentence(failure.message))

    def _tell(self, text: str) -> None:
        self.message.setText(text)
        self.message.show()


_ABOUT = (
    "Records are encrypted with a key that only your passphrase, or the recovery words, can open. Choose a "
    f"passphrase of {SHORTEST} characters or more: four unrelated words are easy to remember."
)
_WORDS = (
    "They open the vault if every passphrase is forgotten. They are shown this once and stored "
    "nowhere. Write them on paper and lock it away; do not photograph them."
)

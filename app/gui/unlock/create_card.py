"""The card that makes a new vault, then shows its recovery words once."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui.operations.runner import Failure
from app.gui.session import Surroundings
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, card, label, named_field, row
from app.gui.unlock.vault_opening import create_vault, passphrase_advice
from app.store.key_derivation import KdfParameters
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
        self.words = label("", "words", wrap=True)
        self.noted = QCheckBox("I have written the words down")
        self.continue_button = button("Open the new vault", self._hand_over, role="primary")
        self.widget = QStackedWidget()
        self.widget.addWidget(self._form_card())
        self.widget.addWidget(self._words_card())

    def start(self, user: str) -> None:
        """Show an empty form."""
        self.user.setText(user)
        self.message.hide()
        self.widget.setCurrentIndex(0)
        self.folder.setFocus()

    def create(self) -> None:
        """Make the vault with what was typed."""
        advice = passphrase_advice(self.passphrase.text(), self.again.text())
        if advice:
            self._tell(advice)
            return
        path, user, secret = Path(self.folder.text()).expanduser(), self.user.text(), self.passphrase.text()
        kdf = self.kdf
        self._busy(True)
        self._around.runner.write(
            lambda: create_vault(path, user, secret, kdf), self._show_words, self._refuse
        )

    def _busy(self, busy: bool) -> None:
        """A second or two: the key is derived slowly on purpose."""
        self.create_button.setEnabled(not busy)
        self.create_button.setText("Creating…" if busy else "Create vault")

    def _form_card(self) -> QWidget:
        frame, column = card(margin=22, spacing=14)
        column.addWidget(label("Create a new vault", "heading"))
        column.addWidget(label(_ABOUT, "muted", wrap=True))
        column.addWidget(self.message)
        form = QFormLayout(verticalSpacing=10, horizontalSpacing=14)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(named_field("&Folder", self.folder), row(self.folder, button("Choose", self._choose)))
        form.addRow("&User", self.user)
        form.addRow("&Passphrase", self.passphrase)
        form.addRow("&Again", self.again)
        column.addLayout(form)
        column.addLayout(row(button("Back", self._go_back, role="quiet"), None, self.create_button))
        self.again.returnPressed.connect(self.create)
        return _at_top(frame)

    def _words_card(self) -> QWidget:
        frame, column = card(margin=22, spacing=14)
        column.addWidget(label("Your recovery words", "heading"))
        column.addWidget(label(_WORDS, "muted", wrap=True))
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self.words)
        column.addWidget(self.noted)
        column.addLayout(row(None, self.continue_button))
        self.continue_button.setEnabled(False)
        self.noted.toggled.connect(self.continue_button.setEnabled)
        return _at_top(frame)

    def _show_words(self, made: tuple[Vault, str]) -> None:
        self._vault, words = made
        self.passphrase.clear()
        self.again.clear()
        self._busy(False)
        self.words.setText(numbered(words))
        self.noted.setChecked(False)
        self.widget.setCurrentIndex(1)
        self.noted.setFocus()

    def _hand_over(self) -> None:
        vault, self._vault = self._vault, None
        self.words.clear()
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


def numbered(words: str) -> str:
    """Recovery words in lines of three, each with its number; in columns where letters are equally wide."""
    each = [f"{i}. {word}" for i, word in enumerate(words.split(), start=1)]
    wide = max(len(word) for word in each) + 4
    lines = (each[i : i + 3] for i in range(0, len(each), 3))
    return "\n".join("".join(word.ljust(wide) for word in line).rstrip() for line in lines)


def _at_top(frame: QWidget) -> QWidget:
    outer = QWidget()
    column = QVBoxLayout(outer)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(frame)
    column.addStretch(1)
    return outer


_ABOUT = "Records are encrypted with a key that only your passphrase, or the recovery words, can open."
_WORDS = (
    "They open the vault if every passphrase is forgotten. They are shown this once and stored "
    "nowhere. Write them on paper and lock it away; do not photograph them."
)

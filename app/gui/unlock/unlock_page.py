"""The first screen: open a vault, make a new one, give one new keys; after a lock, the way back in."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.config.settings import os_user
from app.gui.guide.help_dialog import show_help
from app.gui.operations.runner import Failure
from app.gui.session import Surroundings
from app.gui.shell.dialogs import sentence
from app.gui.shell.furniture import button, card, label, named_field, row, scrolled, set_role
from app.gui.shell.window_settings import WindowSettings
from app.gui.theme.icons import pixmap
from app.gui.unlock.create_card import CreateCard
from app.gui.unlock.key_card import KeyCard
from app.gui.unlock.vault_opening import open_vault
from app.store.vault import Vault
from app.workflows.change_key import KeyHolders

RUN_SEALED = "The training run is paused and sealed; whoever has access to its vault can open it now."


class UnlockPage:
    """Asks for vault, user and passphrase; hands the open vault to `opened`."""

    def __init__(
        self, around: Surroundings, settings: WindowSettings, opened: Callable[[Vault], object]
    ) -> None:
        self._around = around
        self._opened = opened
        self.kept: Vault | None = None
        self.keys: KeyCard | None = None
        self._drop_later = False
        self._opening = False
        self.widget = QWidget()
        self._cards, self._picture = QStackedWidget(), QLabel()
        self.message = label("", "error", wrap=True)
        self.vault = QLineEdit(settings.recent_vaults[0] if settings.recent_vaults else "")
        self.user = QLineEdit(settings.user or os_user())
        self.passphrase = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.read_only = QCheckBox("Open &read-only")
        self.read_only.setToolTip(_READ_ONLY)
        self.open_button = button("Open vault", self.open, role="primary", tip="Open the vault (Enter)")
        self.create_button = button("Create a new vault", self.show_create, role="link")
        self.create = CreateCard(around, opened, lambda: self._cards.setCurrentIndex(0))
        self._cards.addWidget(self._open_card(settings))
        self._cards.addWidget(self.create.widget)
        self._lay_out()
        if not settings.recent_vaults:
            self.vault.setPlaceholderText("Folder of the vault, for example /home/you/clinic.vault")

    def open(self) -> None:
        """Open the vault with what was typed."""
        if self._opening:
            return  # Enter was pressed again
        if not self.vault.text().strip() or not self.passphrase.text():
            self._tell("Give the vault's folder and your passphrase.")
            return
        path, user, secret = Path(self.vault.text()).expanduser(), self.user.text(), self.passphrase.text()
        read_only, kept = self.read_only.isChecked(), self.kept
        self.passphrase.clear()
        self._busy(True)
        self._around.runner.write(
            lambda: open_vault(path, user, secret, read_only=read_only, kept=kept),
            self._succeed,
            self._refuse,
        )

    def show_create(self) -> None:
        """Turn to the card that makes a new vault."""
        self._cards.setCurrentIndex(1)
        self.create.start(self.user.text())

    def change_key(
        self, holders: KeyHolders, *, words_shown: Callable[[], object], ended: Callable[[], object]
    ) -> None:
        """Turn to the card that makes new keys; `ended` follows whatever comes of it, and the way back in."""

        def leave(said: str, role: str) -> None:
            if self.keys is not None:
                self._cards.removeWidget(self.keys.widget)
                self.keys.widget.deleteLater()
            self.keys = None
            self._cards.setCurrentIndex(0)
            self._tell(said, role)
            self.focus()
            ended()

        self.keys = KeyCard(self._around.runner, words_shown=words_shown, ended=leave)
        self._cards.addWidget(self.keys.widget)
        self._cards.setCurrentWidget(self.keys.widget)
        self.keys.start(holders)

    def tell_locked(self, why: str) -> None:
        """Say why the screen is empty, and wait for the passphrase."""
        self._tell(why, "notice")
        self.focus()

    def keep(self, vault: Vault) -> None:
        """A locked vault whose run ends its block; the right passphrase leads back into it."""
        self.kept = vault

    def drop_kept(self) -> None:
        """Close a vault whose run has ended; not while someone is on the way back into it."""
        self._drop_later = self._opening
        if self._opening:
            return
        kept, self.kept = self.kept, None
        if kept is not None:
            kept.close()
            self._tell(RUN_SEALED, "notice")

    def focus(self) -> None:
        """Put the cursor where typing is needed."""
        (self.passphrase if self.vault.text() else self.vault).setFocus()

    def _lay_out(self) -> None:
        inner = QWidget()
        outer = QHBoxLayout(inner)
        self._around.look.follow(self.widget, self._redraw)
        column = QVBoxLayout()
        column.addStretch(1)
        column.addLayout(self._brand())
        column.addSpacing(18)
        column.addWidget(self._cards)
        column.addStretch(2)
        outer.addStretch(1)
        outer.addLayout(column)
        outer.addStretch(1)
        whole, area = QVBoxLayout(self.widget), scrolled(inner)
        whole.setContentsMargins(0, 0, 0, 0)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it follows the field where the keyboard is
        whole.addWidget(area)
        self._redraw()

    def _redraw(self) -> None:
        look = self._around.look
        self._cards.setFixedWidth(look.px(460))
        self._picture.setPixmap(pixmap(look, "anamnesis", size=40))

    def _brand(self) -> QHBoxLayout:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(label("Anamnesis", "title"))
        words.addWidget(label("Diagnosis support that stays inside the hospital", "muted", wrap=True))
        made = QHBoxLayout()
        made.setSpacing(14)
        made.addWidget(self._picture)
        made.addLayout(words, 1)
        return made

    def _open_card(self, settings: WindowSettings) -> QWidget:
        outer = QWidget()
        column = QVBoxLayout(outer)
        column.setContentsMargins(0, 0, 0, 0)
        frame, inside = card(margin=22, spacing=14)
        inside.addWidget(label("Open your vault", "heading"))
        inside.addWidget(self.message)
        self.message.hide()
        inside.addLayout(self._form())
        inside.addWidget(self.read_only)
        inside.addWidget(self.open_button)
        column.addWidget(frame)
        column.addLayout(self._recent(settings))
        if not settings.recent_vaults:
            column.addWidget(label(_WELCOME, "muted", wrap=True))
        column.addLayout(row(self.create_button, None, button("Help (F1)", self._help, role="link")))
        column.addStretch(1)
        return outer

    def _form(self) -> QFormLayout:
        form = QFormLayout(verticalSpacing=10, horizontalSpacing=14)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        choose = button("Choose…", self._choose, tip="Choose the vault's folder")
        form.addRow(named_field("&Vault", self.vault), row(self.vault, choose))
        form.addRow("&User", self.user)
        form.addRow("&Passphrase", self.passphrase)
        for name, field in (
            ("Vault folder", self.vault),
            ("User", self.user),
            ("Passphrase", self.passphrase),
        ):
            field.setAccessibleName(name)
            field.returnPressed.connect(self.open)
        return form

    def _recent(self, settings: WindowSettings) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setContentsMargins(4, 8, 4, 0)
        column.setSpacing(2)
        if len(settings.recent_vaults) > 1:
            column.addWidget(label("Recent vaults", "caption"))
        for path in settings.recent_vaults if len(settings.recent_vaults) > 1 else ():
            column.addWidget(button(path, lambda p=path: self._take(p), role="link"))  # type: ignore[misc]
        return column

    def _help(self) -> None:
        show_help(self.widget.window(), self._around.look)

    def _take(self, path: str) -> None:
        self.vault.setText(path)
        self.passphrase.setFocus()

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self.widget, "Choose the vault", self.vault.text())
        if folder:
            self._take(folder)

    def _succeed(self, vault: Vault) -> None:
        self._busy(False)
        self.message.hide()
        if vault is self.kept:
            self.kept = None
        elif self._drop_later:
            self.drop_kept()
        self._opened(vault)

    def _refuse(self, failure: Failure) -> None:
        self._busy(False)
        said = sentence(failure.message)
        if self._drop_later:
            self.drop_kept()
            said += f" {RUN_SEALED}"
        self._tell(said)
        self.focus()

    def _busy(self, busy: bool) -> None:
        self._opening = busy
        self.open_button.setEnabled(not busy)
        self.open_button.setText("Opening…" if busy else "Open vault")

    def _tell(self, text: str, role: str = "error") -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.show()


_READ_ONLY = "Look and change nothing: beside a window that has it open for writing, or from a read-only disk"
_WELCOME = (
    "Welcome. Patient records live in a vault: one encrypted folder on this computer that only "
    "your passphrase opens. Open the vault your hospital gave you, or create one to begin."
)

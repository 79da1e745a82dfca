"""Somebody at the window, who makes new keys for a vault of five people."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from PySide6.QtWidgets import QApplication

from app.errors import VaultLocked
from app.gui.people.key_dialog import KeyDialog
from app.gui.people.people_card import PeopleCard
from app.gui.shell.main_window import MainWindow
from app.gui.unlock.key_card import KeyCard
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN
from tests.app.gui.conftest import PASSPHRASE, PATIENCE_S, USER

Settle = Callable[[], None]


@dataclass
class Desk:
    """A vault of five people on disk, and the window on it."""

    window: MainWindow
    settle: Settle
    path: Path
    words: str

    def open(self, user: str = USER, secret: str = PASSPHRASE, *, read_only: bool = False) -> PeopleCard:
        vault = Vault.open(self.path, user=user, passphrase=secret, read_only=read_only)
        self.window.take_vault(vault)
        self.settle()
        assert self.window.workspace is not None
        self.window.workspace.go("about")
        self.settle()
        return self.window.workspace.about.people

    def ask(self, **typed: str) -> KeyDialog:
        """The dialog with passphrases in it, the own one too."""
        self.open().new_keys.click()
        dialog = self.window.asking
        assert dialog is not None
        dialog.own.setText(PASSPHRASE)
        for user, secret in typed.items():
            dialog.kept[user].setText(secret)
        return dialog

    def to_words(self, **typed: str) -> KeyCard:
        """As far as the new words."""
        self.ask(**typed).frame.save_button.click()
        return self.until(lambda: self.card().sheet.noted.isVisible())

    def card(self) -> KeyCard:
        card = self.window.unlock.keys
        assert card is not None
        return card

    def until(self, reached: Callable[[], bool]) -> KeyCard:
        end = process_time() + PATIENCE_S
        while process_time() < end:
            QApplication.processEvents()
            if QApplication.activeWindow() is None:  # a desktop would do that once a dialog is left
                self.window.activateWindow()
            elif self.window.unlock.keys is not None and reached():
                return self.card()
            self.window.around.runner.wait_until_idle(0.01)
        raise AssertionError("never reached")

    def said(self) -> str:
        self.settle()
        assert self.window.unlock.keys is None
        return self.window.unlock.message.text()

    def opens(self, user: str, secret: str) -> bool:
        try:
            with Vault.open(self.path, user=user, passphrase=secret) as vault:
                return vault.has_patient(MARFAN)
        except VaultLocked:
            return False

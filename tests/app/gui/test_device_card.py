"""At the window a user binds her passphrase to this device, is told what went wrong, and lets it go again."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from app.gui.about.device_card import DeviceCard
from app.gui.shell.main_window import MainWindow
from app.store import device_secret
from app.store.header import read_header
from app.store.vault import Vault
from tests.app.gui.conftest import PASSPHRASE, USER
from tests.app.store.device_keyring import Keyring

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    made = Keyring()
    monkeypatch.setattr(device_secret, "system_store", lambda: made)
    return made


def card_of(window: MainWindow, vault: Vault, settle: Settle) -> DeviceCard:
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.go("about")
    settle()
    return window.workspace.about.device


def type_passphrase(qtbot: QtBot, card: DeviceCard, passphrase: str, settle: Settle) -> None:
    """By keyboard alone: the button, the passphrase, Return."""
    card.change.setFocus()
    qtbot.keyClick(card.change, Qt.Key.Key_Space)
    settle()
    answer(qtbot, card, passphrase, settle)


def answer(qtbot: QtBot, card: DeviceCard, passphrase: str, settle: Settle) -> None:
    assert card.asking is not None
    assert card.asking.dialog.focusWidget() is card.asking.field
    assert card.asking.field.echoMode() is QLineEdit.EchoMode.Password
    qtbot.keyClicks(card.asking.field, passphrase)
    qtbot.keyClick(card.asking.field, Qt.Key.Key_Return)
    settle()


def bound(vault: Vault) -> bool:
    slot = read_header(vault.path).slot(USER)
    assert slot is not None
    return bool(slot.device)


def test_a_passphrase_is_bound_and_let_go_by_the_keyboard(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, keyring: Keyring
) -> None:
    card = card_of(window, vault, settle)
    assert "any machine" in card.state.text()
    type_passphrase(qtbot, card, PASSPHRASE, settle)
    assert bound(vault)
    assert len(keyring.kept) == 1
    assert "this device alone" in card.state.text()
    assert "Unbind" in card.change.text()
    type_passphrase(qtbot, card, PASSPHRASE, settle)
    assert not bound(vault)
    assert "any machine" in card.state.text()
    assert [e.action for e in vault.audit_events(limit=2)] == ["device-unbound", "device-bound"]


def test_a_wrong_passphrase_and_a_locked_keyring_are_said_in_the_dialog_which_stays(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, keyring: Keyring
) -> None:
    card = card_of(window, vault, settle)
    type_passphrase(qtbot, card, "not the passphrase", settle)
    assert card.asking is not None
    assert "not your passphrase" in card.asking.message.text()
    assert card.asking.field.selectedText()  # typed over by the next try
    assert not keyring.kept
    keyring.fails = RuntimeError("locked")
    answer(qtbot, card, PASSPHRASE, settle)
    assert "keyring is locked or refuses" in card.asking.message.text()
    assert not bound(vault)
    keyring.fails = None
    answer(qtbot, card, PASSPHRASE, settle)
    assert bound(vault)


def test_without_a_keyring_of_the_system_nothing_is_bound_and_the_way_is_named(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real thing: nobody answers on the session bus."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nobody/listens")
    card = card_of(window, vault, settle)
    type_passphrase(qtbot, card, PASSPHRASE, settle)
    assert card.asking is not None
    assert "no keyring of the system" in card.asking.message.text()
    assert not bound(vault)


def test_who_leaves_the_dialog_or_locks_the_window_binds_nothing(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, keyring: Keyring
) -> None:
    card = card_of(window, vault, settle)
    card.ask()
    assert card.asking is not None
    qtbot.keyClicks(card.asking.field, PASSPHRASE)
    qtbot.keyClick(card.asking.field, Qt.Key.Key_Escape)
    settle()
    card.ask()
    qtbot.keyClicks(card.asking.field, PASSPHRASE)
    window.lock()
    settle()
    assert not bound(vault)
    assert not keyring.kept
    shown = [line.text() for line in QApplication.allWidgets() if isinstance(line, QLineEdit)]
    assert PASSPHRASE not in shown


def test_in_a_read_only_view_the_button_says_why_it_does_nothing(
    window: MainWindow, vault: Vault, settle: Settle, keyring: Keyring
) -> None:
    vault.close()
    card = card_of(window, Vault.open(vault.path, user=USER, passphrase=PASSPHRASE, read_only=True), settle)
    assert not card.change.isEnabled()
    assert "read-only" in card.change.toolTip()

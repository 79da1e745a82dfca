"""What a person does at the window: open the chart, press a key in the note."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.gui.patient.patient_page import PatientPage
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN

Settle = Callable[[], None]


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    assert window.workspace is not None
    target = window.workspace.patient.note.view
    qtbot.keyClick(target, key, modifier or Qt.KeyboardModifier.NoModifier)


def open_chart(window: MainWindow, vault: Vault, settle: Settle) -> PatientPage:
    """The patient's page, once the chart is on it."""
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.open_patient(MARFAN)
    settle()
    assert window.isActiveWindow()
    assert window.workspace.patient.note.view.hasFocus()
    return window.workspace.patient

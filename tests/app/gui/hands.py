"""What a person does at the window: open the chart, press a key in the note."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.gui.patient.disease_search import DiseaseSearch
from app.gui.patient.patient_page import PatientPage
from app.gui.shell.main_window import MainWindow
from app.gui.shell.workspace import Workspace
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN

Settle = Callable[[], None]
NONE, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    assert window.workspace is not None
    target = window.workspace.patient.note.view
    qtbot.keyClick(target, key, modifier or Qt.KeyboardModifier.NoModifier)


def enter(window: MainWindow, vault: Vault, settle: Settle) -> Workspace:
    """The pages of a vault, once it is open in the window."""
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    return window.workspace


def open_chart(window: MainWindow, vault: Vault, settle: Settle) -> PatientPage:
    """The patient's page, once the chart is on it."""
    workspace = enter(window, vault, settle)
    workspace.open_patient(MARFAN)
    settle()
    assert window.isActiveWindow()
    assert workspace.patient.note.view.hasFocus()
    return workspace.patient


def open_disease_search(window: MainWindow, vault: Vault, settle: Settle) -> DiseaseSearch:
    """The search for a diagnosis that is not listed, over the patient's page."""
    page = open_chart(window, vault, settle)
    page.differential.other.click()
    settle()
    assert page.disease_search is not None
    return page.disease_search


class Hands:
    """Presses keys where the keyboard is; never touches a widget otherwise."""

    def __init__(self, window: MainWindow, settle: Settle) -> None:
        self._window, self._settle = window, settle

    @staticmethod
    def place() -> QWidget:
        """Where the keyboard is."""
        place = QApplication.focusWidget()
        assert place is not None
        return place

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NONE) -> None:
        """One key, and wait for what comes of it."""
        QTest.keyClick(self.place(), key, modifier)
        self._settle()
        if QApplication.activeWindow() is None:  # a desktop would do that once a dialog is left
            (QApplication.activeModalWidget() or self._window).activateWindow()
            self._settle()

    def type(self, words: str) -> None:
        """Words into a field whose old words are all replaced."""
        QTest.keyClick(self.place(), Qt.Key.Key_A, CTRL)
        QTest.keyClicks(self.place(), words)
        self._settle()

    def tab_to(self, wanted: QWidget, *, most: int) -> None:
        """Tab until a widget has the keyboard, which takes `most` presses at the most."""
        for _press in range(most):
            if self.place() is wanted:
                return
            self.press(Qt.Key.Key_Tab)
        assert self.place() is wanted

"""Enter before the answer has come: it waits for what belongs to the words typed, and takes nothing older."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.clinical.diagnosis import Decision
from app.gui.shell.awaited_enter import AwaitedEnter
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.hands import enter, open_disease_search

Settle = Callable[[], None]


def test_enter_takes_once_what_was_asked_last(qtbot: QtBot) -> None:
    taken: list[str] = []
    field = QLineEdit()
    qtbot.addWidget(field)
    enter = AwaitedEnter(field, lambda: taken.append(field.text()))
    qtbot.keyClicks(field, "se")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert taken == []
    enter.answer()
    enter.answer()
    assert taken == ["se"]
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert taken == ["se", "se"]
    qtbot.keyClick(field, Qt.Key.Key_I)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.keyClick(field, Qt.Key.Key_Z)
    enter.answer()
    assert taken == ["se", "se"]


@pytest.mark.slow
def test_no_other_patient_is_opened_by_a_hasty_enter(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    workspace = enter(window, vault, settle)
    page = workspace.patients
    qtbot.keyClicks(page.search, "lindq")
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    settle()
    opened = workspace.patient.opened
    assert opened is not None
    assert opened.chart.patient.id == MARFAN
    workspace.go("patients")
    qtbot.keyClicks(page.search, "nobody")
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    settle()
    assert workspace.here == "patients"


@pytest.mark.slow
def test_no_other_note_is_opened_by_a_hasty_enter(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    workspace = enter(window, vault, settle)
    workspace.go("notes")
    page = workspace.notes
    page.search.setText("seizures")
    settle()
    page.search.clear()
    qtbot.keyClicks(page.search, "arachnodactyly")
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    settle()
    assert workspace.patient.notes.note_id == NOTE


@pytest.mark.slow
def test_no_other_disease_is_confirmed_by_a_hasty_enter_and_none_closes_the_search(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    popup = open_disease_search(window, vault, settle).popup
    qtbot.keyClicks(popup.query, "zzqq")
    settle()
    qtbot.keyClick(popup.query, Qt.Key.Key_Return)
    assert popup.dialog.isVisible()
    popup.query.setText("marfan")
    settle()
    popup.query.setText("huntington disease")
    qtbot.keyClick(popup.query, Qt.Key.Key_Return)
    settle()
    ((name, decision),) = [(d.name, d.decision) for d in vault.diagnoses(MARFAN)]
    assert (name.casefold(), decision) == ("huntington disease", Decision.CONFIRMED)

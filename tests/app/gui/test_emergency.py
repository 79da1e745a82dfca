"""A glass broken at the window: refused without a reason, open with one, and seen by the privacy officer."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.gui.shell.main_window import MainWindow
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
REASON = "Ward round, no clinician on duty"


def _as_user(vault: Vault, name: str) -> Vault:
    vault.close()
    return Vault.open(vault.path, user=name, passphrase=f"passphrase of {name}")


def test_a_reason_opens_the_chart_and_waits_for_the_officer(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    for name, role in (("tom", Role.TRAINER), ("olga", Role.PRIVACY_OFFICER)):
        kdf = KdfParameters.fast_for_tests()
        add_user(vault, user=name, passphrase=f"passphrase of {name}", role=role, kdf=kdf)
    _breaks_the_glass(qtbot, window, _as_user(vault, "tom"), settle)
    window.lock()
    _reviews_it(qtbot, window, _as_user(vault, "olga"), settle)


def _breaks_the_glass(qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle) -> None:
    window.take_vault(vault)
    settle()
    workspace = window.workspace
    assert workspace is not None
    workspace.go("notes")
    assert workspace.here == "patients"
    assert workspace.patients.model.rowCount() == 0
    assert not workspace.patients.search.isEnabled()
    workspace.open_patient(MARFAN)
    assert workspace.glass is not None
    assert workspace.patient.opened is None
    glass = workspace.glass
    qtbot.keyClick(glass.field, Qt.Key.Key_Return)
    settle()
    assert "reason" in glass.message.text()
    assert workspace.patient.opened is None
    qtbot.keyClicks(glass.field, REASON)
    qtbot.keyClick(glass.field, Qt.Key.Key_Return)
    settle()
    assert workspace.patient.opened is not None
    assert workspace.here == "patient"
    workspace.go("notes")
    assert workspace.here == "notes"
    workspace.go("patients")
    settle()
    assert workspace.patients.model.rowCount() > 0
    workspace.go("audit")
    settle()
    assert not workspace.audit.emergencies.widget.isVisible()


def _reviews_it(qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle) -> None:
    window.take_vault(vault)
    settle()
    workspace = window.workspace
    assert workspace is not None
    assert "1 emergency access to review" in workspace.status.bar.currentMessage()
    workspace.go("audit")
    settle()
    shown = workspace.audit.emergencies
    assert shown.widget.isVisible()
    assert any(REASON in told.text() and "tom" in told.text() for told in shown.widget.findChildren(QLabel))
    qtbot.mouseClick(shown.reviewed, Qt.MouseButton.LeftButton)
    settle()
    assert not shown.widget.isVisible()

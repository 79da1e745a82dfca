"""A vault open read-only: it can be opened so, it says so, and what would write is disabled and says why."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractButton, QMessageBox
from pytestqt.qtbot import QtBot

from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN
from tests.app.gui.conftest import PASSPHRASE, USER
from tests.app.gui.hands import open_chart, press
from tests.app.gui.measuring import visible

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
WHY = "Nothing can be changed: the vault was opened read-only; open it for writing."
WRITING = (
    *(
        "New patient…",
        "New note…",
        "Import records…",
        "Confirm",
        "Reject",
        "Other…",
        "Yes",
        "No",
        "Start training",
        "Declare…",
    ),
    *(
        "Roll back",
        "Measure",
        "Sign and save",
        "Bind to this device…",
        "Add a person…",
        "Another role…",
        "Remove…",
        "Your passphrase…",
        "Accept",
        "Mark",
        "State",
    ),
)


@pytest.fixture
def looked_at(vault: Vault) -> Vault:
    """The same vault as another window has open for writing, read-only; the window closes it."""
    return Vault.open(vault.path, user=USER, passphrase=PASSPHRASE, read_only=True)


def test_a_vault_that_another_window_holds_is_opened_to_look_at(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = window.unlock
    page.vault.setText(str(vault.path))
    page.user.setText(USER)
    for read_only in (False, True):
        page.read_only.setChecked(read_only)
        qtbot.keyClicks(page.passphrase, PASSPHRASE)
        qtbot.keyClick(page.passphrase, Qt.Key.Key_Return)
        settle()
        assert "open the vault read-only" in page.message.text() or window.workspace is not None
    assert window.workspace is not None
    assert window.workspace.session.vault.read_only
    assert window.workspace.read_only.isVisible()
    assert window.workspace.read_only.text() == WHY


def test_what_would_write_is_disabled_and_says_why_and_nothing_else_is(
    window: MainWindow, looked_at: Vault, settle: Settle
) -> None:
    open_chart(window, looked_at, settle)
    workspace = window.workspace
    assert workspace is not None
    told: set[str] = set()
    for name in workspace.places():
        workspace.go(name)
        settle()
        for shown in visible(window):
            if isinstance(shown, QAbstractButton) and shown.text().strip() in WRITING:
                told.add(shown.text().strip())
                assert (shown.text(), shown.isEnabled(), shown.toolTip()) == (shown.text(), False, WHY)
    assert told == set(WRITING)
    workspace.go("patient")
    pane = workspace.patient.note
    assert pane.actions["next"].isEnabled()
    assert workspace.patient.differential.graph.isEnabled()


def test_keys_and_files_change_nothing_in_it(
    qtbot: QtBot, window: MainWindow, looked_at: Vault, settle: Settle, tmp_path: Path
) -> None:
    page = open_chart(window, looked_at, settle)
    before = looked_at.chart(MARFAN), looked_at.patient_count(), looked_at.audit_count()
    assert page.opened is not None
    for key in (Qt.Key.Key_J, Qt.Key.Key_A, Qt.Key.Key_X, Qt.Key.Key_N, Qt.Key.Key_Delete):
        press(qtbot, window, key)
    press(qtbot, window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    settle()
    assert page.opened.history.done == ()
    box = window.findChild(QMessageBox)
    assert box is not None
    assert WHY in box.informativeText()
    box.close()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "note.txt"))])
    (tmp_path / "note.txt").write_text("A note.")
    action, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(5, 5), action, data, buttons, Qt.KeyboardModifier.NoModifier))
    settle()
    assert window.workspace is not None
    assert window.workspace.status.bar.currentMessage() == WHY
    assert (looked_at.chart(MARFAN), looked_at.patient_count(), looked_at.audit_count()) == before

"""A note is marked as entered in error at the window: it stays, struck out, and counts nowhere."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.clinical.note import ErrorReason
from app.gui.patient.patient_page import PatientPage
from app.gui.patient.timeline_list import ENTRY
from app.gui.shell.main_window import MainWindow
from app.gui.writing.error_dialog import ErrorDialog
from app.store.header import Role
from app.store.key_derivation import KdfParameters
from app.store.people import add_user
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.conftest import PASSPHRASE
from tests.app.gui.hands import CTRL, Hands, open_chart
from tests.app.gui.left_over import told
from tests.app.gui.measuring import cut_words, lengthen, named, stops

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


def asked_why(page: PatientPage, hands: Hands) -> ErrorDialog:
    hands.press(Qt.Key.Key_Delete, CTRL)
    assert page.error is not None
    return page.error


def names(page: PatientPage) -> dict[str, str]:
    """Every finding of the list, and where it comes from."""
    found = page.findings.widget
    rows = (found.item(n).data(Qt.ItemDataRole.UserRole) for n in range(found.count()))
    return {row.name: row.source for row in rows}


def is_struck(page: PatientPage) -> bool:
    cursor = page.note.view.textCursor()
    cursor.setPosition(20)
    return cursor.charFormat().fontStrikeOut()


def entries(page: PatientPage) -> dict[str, tuple[str, bool]]:
    """The notes of the time line: what stands below their title, and whether they are struck out."""
    listed = page.timeline.widget
    told_of = [listed.item(n).data(ENTRY) for n in range(listed.count())]
    return {e.note_id: (e.detail, e.in_error) for e in told_of if e is not None and e.note_id is not None}


def test_by_keyboard_it_is_struck_out_leaves_the_differential_and_comes_back(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    page = open_chart(window, vault, settle)
    before = names(page)
    assert before["Arachnodactyly"] == "suggested"
    dialog = asked_why(page, hands)
    assert dialog.reasons[ErrorReason.WRONG_PATIENT].hasFocus()
    hands.press(Qt.Key.Key_Down)
    hands.press(Qt.Key.Key_Space)
    hands.press(Qt.Key.Key_Return, CTRL)
    assert QApplication.activeModalWidget() is None
    error = vault.note(NOTE).in_error
    assert error is not None
    assert (error.reason, error.by) == (ErrorReason.WRITTEN_TWICE, vault.user)
    assert page.notes.note_id == NOTE
    assert is_struck(page)
    assert page.note.error.isVisible()
    assert page.note.error.text().startswith(f"Entered in error: written twice. Marked by {vault.user} on ")
    assert entries(page)[NOTE] == ("entered in error: Dr. Okafor", True)
    assert "Arachnodactyly" not in names(page)
    assert "Mitral valve prolapse" in names(page)  # the other note says so too
    hands.press(Qt.Key.Key_Delete, CTRL)
    assert page.asking is not None
    assert "written twice" in page.asking.informativeText()
    next(b for b in page.asking.buttons() if b.text() == "Let it count").click()
    settle()
    assert vault.note(NOTE).in_error is None
    assert not is_struck(page)
    assert not page.note.error.isVisible()
    assert entries(page)[NOTE] == ("Dr. Okafor", False)
    assert names(page) == before


def test_without_a_reason_nothing_is_marked_and_escape_leaves(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    page = open_chart(window, vault, settle)
    dialog = asked_why(page, hands)
    hands.press(Qt.Key.Key_Return, CTRL)
    assert dialog.frame.message.text().startswith("No reason is chosen yet; choose why")
    hands.press(Qt.Key.Key_Escape)
    assert QApplication.activeModalWidget() is None
    assert vault.note(NOTE).in_error is None


def test_no_finding_is_marked_in_it_and_its_neighbours_can_be_turned_to(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    page = open_chart(window, vault, settle)
    asked_why(page, hands).reasons[ErrorReason.OTHER].setChecked(True)
    hands.press(Qt.Key.Key_Return, CTRL)
    assert page.note.view.toPlainText()
    page.note.view.selectAll()
    hands.press(Qt.Key.Key_M)
    assert not page.note.actions["add"].isEnabled()
    assert QApplication.activeModalWidget() is None
    hands.press(Qt.Key.Key_PageUp, CTRL)
    assert page.notes.note_id == "note-marfan-1"
    assert page.note.actions["add"].isEnabled()
    assert not is_struck(page)
    page.open(MARFAN)
    settle()
    assert page.notes.note_id == "note-marfan-1"  # a chart opens at the newest note that counts


def test_who_may_not_write_is_told_who_may(window: MainWindow, vault: Vault, settle: Settle) -> None:
    kdf = KdfParameters.fast_for_tests()
    add_user(vault, user="ada", passphrase=PASSPHRASE, role=Role.ANNOTATOR, kdf=kdf)
    vault.close()
    page = open_chart(window, Vault.open(vault.path, user="ada", passphrase=PASSPHRASE), settle)
    Hands(window, settle).press(Qt.Key.Key_Delete, CTRL)
    assert page.error is None
    assert "may not write notes" in told()


def test_a_lock_closes_the_question_and_forgets_the_note(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    asked_why(page, Hands(window, settle))
    assert "Genetics consultation" in told()
    window.lock()
    assert "Genetics" not in told()


@pytest.mark.parametrize(("theme", "percent"), [("light", 150), ("dark", 100)])
def test_every_word_fits_and_every_choice_has_a_name(
    window: MainWindow, vault: Vault, settle: Settle, theme: str, percent: int
) -> None:
    window.resize(1024, 700)
    page = open_chart(window, vault, settle)
    window.set_theme(theme)
    window.set_percent(percent)
    dialog = asked_why(page, Hands(window, settle)).frame.dialog
    lengthen(dialog)
    settle()
    assert cut_words(dialog) == []
    assert [stop for stop in stops(dialog) if not named(stop)] == []

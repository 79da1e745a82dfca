"""The main job by the keyboard alone: from a new vault to a decided diagnosis, back, locked, open again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit

from app.clinical.annotation import AnnotationAction
from app.clinical.diagnosis import Decision
from app.clinical.note import Note
from app.gui.patient.differential_panel import DifferentialPanel
from app.gui.patient.patient_page import PatientPage
from app.gui.shell.main_window import MainWindow
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from tests.app.gui.clinic import NOTE, marfan_records
from tests.app.gui.conftest import PASSPHRASE, USER
from tests.app.gui.hands import CTRL, Hands

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
ALT = Qt.KeyboardModifier.AltModifier
NOTE_TEXT = next(r.text for r in marfan_records() if isinstance(r, Note) and r.id == NOTE)


def _choose_in_the_next_file_dialog(path: Path) -> None:
    """The file dialog waits inside the key press that opens it, so what is typed into it is begun before."""

    def type_path() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, QFileDialog):
            QTimer.singleShot(20, type_path)
            return
        field = dialog.findChild(QLineEdit, "fileNameEdit")
        assert field is not None
        field.setCompleter(None)  # type: ignore[arg-type]  # its own list of files would take the Return
        dialog.setDirectory(str(path.parent))
        QTest.keyClicks(field, path.name)
        QTest.keyClick(field, Qt.Key.Key_Return)

    QTimer.singleShot(20, type_path)


def _create(window: MainWindow, hands: Hands, folder: Path) -> None:
    card = window.unlock.create
    card.kdf = KdfParameters.fast_for_tests()
    window.unlock.focus()
    hands.tab_to(window.unlock.create_button, most=6)
    hands.press(Qt.Key.Key_Return)
    assert card.folder.hasFocus()
    hands.type(str(folder))
    hands.tab_to(card.user, most=2)
    hands.type(USER)
    for field in (card.passphrase, card.again):
        hands.tab_to(field, most=1)
        hands.type(PASSPHRASE)
    hands.press(Qt.Key.Key_Return)
    assert card.noted.hasFocus()
    hands.press(Qt.Key.Key_Space)
    hands.tab_to(card.continue_button, most=1)
    hands.press(Qt.Key.Key_Return)


def _import(window: MainWindow, hands: Hands, note: Path) -> None:
    assert window.workspace is not None
    assert window.workspace.patients.search.hasFocus()
    _choose_in_the_next_file_dialog(note)
    hands.press(Qt.Key.Key_I, CTRL)
    dialog = window.workspace.importing
    assert dialog is not None
    assert dialog.title.text() == "Import finished"
    hands.press(Qt.Key.Key_Return)
    assert not dialog.dialog.isVisible()
    assert window.workspace.patients.search.hasFocus()


def _vault(window: MainWindow) -> Vault:
    assert window.workspace is not None
    return window.workspace.session.vault


def _decisions(window: MainWindow, page: PatientPage) -> list[Decision]:
    assert page.opened is not None
    return [d.decision for d in _vault(window).diagnoses(page.opened.chart.patient.id)]


def _read_the_differential(hands: Hands, panel: DifferentialPanel) -> None:
    hands.press(Qt.Key.Key_D, ALT)
    first = panel.list.current()
    assert panel.list.widget.hasFocus()
    hands.press(Qt.Key.Key_Down)
    second = panel.list.current()
    assert first is not None
    assert second is not None
    assert second.line.rank == first.line.rank + 1
    assert panel.name.text() == second.line.name
    hands.press(Qt.Key.Key_E, ALT)
    assert panel.evidence.widget.hasFocus()
    assert panel.evidence.widget.count() > 2


def test_the_main_job_needs_no_mouse(window: MainWindow, settle: Settle, tmp_path: Path) -> None:
    hands = Hands(window, settle)
    note = tmp_path / "letter.txt"
    note.write_text(NOTE_TEXT, encoding="utf-8")
    _create(window, hands, tmp_path / "new.vault")
    _import(window, hands, note)

    hands.press(Qt.Key.Key_Return)  # opens the first patient of the list
    assert window.workspace is not None
    page = window.workspace.patient
    assert page.note.view.hasFocus()
    hands.press(Qt.Key.Key_J)
    for _suggestion in range(3):
        hands.press(Qt.Key.Key_A)
    assert page.opened is not None
    (shown,) = page.opened.chart.notes
    accepted = [e.action for e in _vault(window).annotation_events(shown.patient_id)]
    assert accepted == [AnnotationAction.ADD] * 3

    _read_the_differential(hands, page.differential)
    hands.press(Qt.Key.Key_J, CTRL)
    asked = page.questions.list.current()
    assert asked is not None
    hands.press(Qt.Key.Key_Y)
    assert _vault(window).annotation_events(shown.patient_id)[-1].annotation.term_id == asked.term_id

    hands.press(Qt.Key.Key_D, ALT)
    hands.press(Qt.Key.Key_Home)
    hands.press(Qt.Key.Key_Return, CTRL)
    assert _decisions(window, page) == [Decision.CONFIRMED]
    hands.press(Qt.Key.Key_Z, CTRL)  # the keyboard is still in the differential
    assert _decisions(window, page)[-1] is Decision.WITHDRAWN
    assert page.opened.confirmed() == ()

    patient = page.opened.chart.patient.id
    hands.press(Qt.Key.Key_L, CTRL)
    assert window.workspace is None
    assert window.unlock.passphrase.hasFocus()
    hands.type(PASSPHRASE)
    hands.press(Qt.Key.Key_Return)
    assert window.workspace is not None
    assert window.workspace.patients.model.patient_id(0) == patient


def test_lock_and_help_answer_in_a_dialog_that_must_be_left_first(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.take_vault(vault)
    settle()
    hands = Hands(window, settle)
    assert window.workspace is not None
    window.workspace.about.device.ask()
    settle()
    assert window.workspace.about.device.asking is not None
    dialog = window.workspace.about.device.asking.dialog
    assert dialog.isModal()
    hands.press(Qt.Key.Key_F1)
    over = QApplication.activeModalWidget()
    assert over is not None
    assert over.windowTitle() == "Help"
    hands.press(Qt.Key.Key_Escape)
    assert dialog.isVisible()
    hands.press(Qt.Key.Key_L, CTRL)
    assert window.workspace is None


def test_f1_shows_what_belongs_to_the_page_and_works_before_a_vault_is_open(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    hands = Hands(window, settle)
    window.unlock.focus()
    hands.press(Qt.Key.Key_F1)
    over = QApplication.activeModalWidget()
    assert over is not None
    assert over.windowTitle() == "Help"
    hands.press(Qt.Key.Key_Escape)
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    for place, topic in (("training", "Learning privately"), ("update", "The update file")):
        window.workspace.go(place)
        settle()
        hands.press(Qt.Key.Key_F1)
        assert window.workspace.here == "help"
        assert window.workspace.help.topics.currentItem().text() == topic


@pytest.mark.parametrize("size", [(1024, 700), (1920, 1080)])
def test_tab_walks_a_page_from_top_to_bottom(
    window: MainWindow, vault: Vault, settle: Settle, size: tuple[int, int]
) -> None:
    """Never back above where it was, but for a column that begins beside the last or the first stop anew."""
    window.resize(*size)
    window.take_vault(vault)
    settle()
    hands = Hands(window, settle)
    assert window.workspace is not None
    for place in ("patients", "notes", "training", "models", "update", "audit", "about"):
        window.workspace.go(place)
        settle()
        start, last = hands.place(), hands.place()
        for _stop in range(30):
            QTest.keyClick(hands.place(), Qt.Key.Key_Tab)
            here = hands.place()
            if here is start or not window.workspace.page(place).isAncestorOf(here):
                break
            corner, before = (w.mapTo(window, w.rect().topLeft()) for w in (here, last))
            goes_on = corner.y() + here.height() > before.y() or corner.x() >= before.x() + last.width()
            assert goes_on, (place, last.accessibleName(), here.accessibleName())
            last = here


def test_the_window_stands_where_it_stood(window: MainWindow, settle: Settle) -> None:
    stood = QRect(40, 50, 640, 600)  # the test's screen is 800 by 800
    window.setGeometry(stood)
    settle()
    window.close()
    again = MainWindow(window.around)
    assert again.geometry() == stood
    again.deleteLater()

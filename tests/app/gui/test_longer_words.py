"""Large text and words two fifths longer than the English: pages and dialogs fit, and no word is cut."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from app.gui.guide.help_dialog import show_help
from app.gui.operations.runner import Failure
from app.gui.shell.break_glass_dialog import break_glass_dialog
from app.gui.shell.dialogs import ask, show_failure
from app.gui.shell.furniture import label, set_role
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from tests.app.gui.hands import open_chart
from tests.app.gui.measuring import cut_words, lengthen, named, stops

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
SMALL = QSize(1024, 700)


def _lengthened(root: QWidget, settle: Settle) -> None:
    lengthen(root)
    for _layouts_one_inside_the_other in range(4):
        settle()
        QApplication.processEvents()


def test_every_page_fits_a_small_window_with_large_text_and_longer_words(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.set_percent(150)
    window.resize(SMALL)
    open_chart(window, vault, settle)
    assert window.workspace is not None
    for name in window.workspace.places():
        window.workspace.go(name)
        settle()
        _lengthened(window, settle)
        assert (window.size(), name) == (SMALL, name)
        assert (name, cut_words(window)) == (name, [])


def test_the_first_screen_fits_too(window: MainWindow, settle: Settle) -> None:
    window.set_percent(150)
    window.resize(SMALL)
    window.unlock.tell_locked("Locked after a time without input. Type your passphrase to go on.")
    _lengthened(window, settle)
    assert cut_words(window) == []
    window.unlock.show_create()
    _lengthened(window, settle)
    assert cut_words(window) == []
    assert window.size() == SMALL


def _dialogs(window: MainWindow, settle: Settle) -> Iterator[QDialog]:
    """Each dialog of the window in turn, open."""
    assert window.workspace is not None
    workspace, page = window.workspace, window.workspace.patient
    page.differential.compare.click()
    settle()
    yield page.comparing.dialog.dialog
    page.differential.graph.click()
    settle()
    yield page.graph.dialog
    page.similar.ask()
    settle()
    yield page.similar.dialog
    page.differential.other.click()
    settle()
    assert page.disease_search is not None
    yield page.disease_search.popup.dialog
    page.note.move(1)
    page.note.actions["change"].trigger()
    settle()
    assert page.notes.term_search is not None
    yield page.notes.term_search.popup.dialog
    workspace.training.declare()
    assert workspace.training.declaring is not None
    yield workspace.training.declaring.dialog
    workspace.about.device.ask()
    assert workspace.about.device.asking is not None
    yield workspace.about.device.asking.dialog
    glass = break_glass_dialog(window, workspace.session, lambda: None)
    glass.open()
    yield glass.dialog
    yield ask(window, "Go back?", "Diagnoses will use that version from now on.", "Go back", lambda: None)
    yield show_failure(window, Failure("the disk is full; make room and try again", expected=True))
    yield show_help(window, window.around.look)


def test_every_dialog_stays_inside_a_small_window_and_can_be_read_and_named(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.set_percent(150)
    window.resize(SMALL)
    open_chart(window, vault, settle)
    for dialog in _dialogs(window, settle):
        settle()
        about = dialog.windowTitle()
        assert dialog.isVisible(), about
        assert dialog.size().boundedTo(SMALL) == dialog.size(), (about, dialog.size())
        assert (about, cut_words(dialog)) == (about, [])
        assert [(about, w) for w in stops(dialog) if not named(w)] == []
        dialog.close()


def test_a_label_that_becomes_a_notice_gets_room_for_its_frame(window: MainWindow, settle: Settle) -> None:
    page = QWidget(window)
    page.resize(400, 200)
    said = label("", "muted", wrap=True)
    said.setParent(page)
    page.show()
    said.setText("No patient has a confirmed diagnosis yet.")
    plain = said.heightForWidth(400)
    set_role(said, "notice")
    settle()
    assert said.heightForWidth(400) >= plain + 16
    assert said.contentsRect().left() >= 8

"""The window offscreen, on a real vault: pages, keys, log, search, lock."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event
from time import process_time

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.clinical.annotation import AnnotationAction
from app.clinical.diagnosis import Decision
from app.errors import VaultError
from app.gui.guide.help_page import TOPICS, help_text
from app.gui.shell.main_window import MainWindow
from app.gui.shell.sidebar import PLACES
from app.gui.training.run_view import RunProgress, RunRequest
from app.store.vault import Vault
from knowledge_graph.terms.term import DiseaseId
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.conftest import PASSPHRASE, PATIENCE_S, USER, Clock

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


def _press(
    qtbot: QtBot, window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None
) -> None:
    assert window.workspace is not None
    target = window.workspace.patient.note.view
    qtbot.keyClick(target, key, modifier or Qt.KeyboardModifier.NoModifier)


class _ShownWindows(QObject):
    """Notes every window of its own that is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[QWidget] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(watched)
        return False


def test_opening_a_vault_shows_no_other_window_and_keeps_the_keyboard(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    qtbot.waitUntil(window.isActiveWindow)
    seen = _ShownWindows()
    app = QApplication.instance()
    assert app is not None
    app.installEventFilter(seen)
    window.take_vault(vault)
    settle()
    app.removeEventFilter(seen)
    assert seen.shown == []
    assert window.isActiveWindow()
    assert window.workspace is not None
    assert window.workspace.patients.search.hasFocus()


def _open_chart(window: MainWindow, vault: Vault, settle: Settle) -> None:
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.open_patient(MARFAN)
    settle()
    assert window.isActiveWindow()
    assert window.workspace.patient.note.view.hasFocus()


def test_every_page_opens(window: MainWindow, vault: Vault, settle: Settle) -> None:
    _open_chart(window, vault, settle)
    assert window.workspace is not None
    assert set(window.workspace.places()) == {place.name for place in PLACES}
    for name in window.workspace.places():
        window.workspace.go(name)
        settle()
        assert window.workspace.here == name


def test_the_window_needs_no_torch() -> None:
    """In a process of its own, since other tests load torch into theirs."""
    code = (
        "import sys, app.gui.screens, app.gui.program; print(sorted({'torch', 'opacus'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_keys_annotate_and_every_deed_is_in_the_log(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    _open_chart(window, vault, settle)
    assert window.workspace is not None
    page = window.workspace.patient
    _press(qtbot, window, Qt.Key.Key_J)
    first = page.note.view.current_mark()
    assert first is not None
    assert first.suggested
    _press(qtbot, window, Qt.Key.Key_A)
    second = page.note.view.current_mark()
    assert second is not None
    assert second.id != first.id
    _press(qtbot, window, Qt.Key.Key_X)
    page.note.choose_id(first.id)
    _press(qtbot, window, Qt.Key.Key_N)
    settle()
    log = vault.annotation_events(NOTE)
    assert [e.action for e in log] == [
        AnnotationAction.ADD,
        AnnotationAction.REJECT,
        AnnotationAction.CHANGE,
    ]
    assert {e.author for e in log} == {USER}
    _press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    _press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    _press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle()
    assert page.opened is not None
    assert page.opened.annotations() == ()
    shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    _press(qtbot, window, Qt.Key.Key_Z, shift)
    settle()
    assert len(vault.annotation_events(NOTE)) == 7
    assert [m.id for m in page.opened.annotations()] == [first.id]


def test_selected_words_become_a_mark_by_term_search(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    _open_chart(window, vault, settle)
    assert window.workspace is not None
    page = window.workspace.patient
    assert page.opened is not None
    start = page.opened.note(NOTE).text.index("arm span exceeds height")
    cursor = page.note.view.textCursor()
    cursor.setPosition(start)
    cursor.setPosition(start + 23, cursor.MoveMode.KeepAnchor)
    page.note.view.setTextCursor(cursor)
    _press(qtbot, window, Qt.Key.Key_M)
    search = page.term_search
    assert search is not None
    search.popup.query.setText("disproportionate tall")
    settle()
    search.take()
    settle()
    (event,) = vault.annotation_events(NOTE)
    assert (event.annotation.start, event.annotation.end) == (start, start + 23)
    assert event.annotation.term_id == "HP:0001519"


def test_a_disease_that_is_not_listed_is_confirmed_and_taken_back(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    _open_chart(window, vault, settle)
    assert window.workspace is not None
    page = window.workspace.patient
    for expected in (Decision.CONFIRMED, Decision.WITHDRAWN):
        window.workspace.patient.differential.other.click()
        search = page.disease_search
        assert search is not None
        search.popup.query.setText("wilson disease")
        settle()
        assert search.take_button.text() == ("Confirm" if expected is Decision.CONFIRMED else "Take back")
        search.take()
        settle()
        said = vault.diagnoses(MARFAN)[-1]
        assert (said.disease_id, said.decision, said.shown_rank) == ("OMIM:277900", expected, None)
    assert page.opened is not None
    assert page.opened.confirmed() == ()


def test_a_diagnosis_is_confirmed_taken_back_and_audited(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    _open_chart(window, vault, settle)
    assert window.workspace is not None
    panel = window.workspace.patient.differential
    current = panel.list.current()
    assert current is not None
    assert current.line.evidence
    panel.confirm.click()
    settle()
    assert vault.labelled_patients() == (MARFAN,)
    window.workspace.patient.note.actions["undo"].trigger()
    settle()
    assert vault.labelled_patients() == ()
    assert [d.decision for d in vault.diagnoses(MARFAN)] == [Decision.CONFIRMED, Decision.WITHDRAWN]


def test_the_evidence_is_drawn_beside_a_list_that_says_the_same(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    _open_chart(window, vault, settle)
    assert window.workspace is not None
    page = window.workspace.patient
    _press(qtbot, window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    settle()
    graph = page.graph
    current = page.differential.list.current()
    assert current is not None
    assert graph.title.text() == current.line.name
    assert graph.list.count() > 3
    middle = graph.canvas.place_of(current.line.disease_id).center().toPoint()
    qtbot.mouseClick(graph.canvas, Qt.MouseButton.LeftButton, pos=middle)
    assert current.line.name in graph.list.currentItem().text()
    graph.clear()
    assert graph.canvas.place_of(current.line.disease_id).isEmpty()


def test_typing_narrows_the_list_and_filters_combine(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    page = window.workspace.patients
    assert page.model.rowCount() == 61
    qtbot.keyClicks(page.search, "lindq")
    settle()
    assert page.model.rowCount() == 1
    assert page.model.patient_id(0) == MARFAN
    page.search.clear()
    page.sex.setCurrentIndex(1)
    settle()
    assert page.model.rowCount() == 30
    page.search.setText("nobody of that name")
    settle()
    assert page.model.rowCount() == 0


def test_an_idle_window_locks_itself_empties_its_screens_and_closes_the_vault(
    window: MainWindow, vault: Vault, settle: Settle, clock: Clock
) -> None:
    _open_chart(window, vault, settle)
    assert window.workspace is not None
    note = window.workspace.patient.note.view
    clock.seconds = 59.0
    window.idle_lock.check()
    assert window.workspace is not None
    clock.seconds = 61.0
    window.idle_lock.check()
    assert window.workspace is None
    assert note.toPlainText() == ""
    with pytest.raises(VaultError):
        vault.patients()


def test_the_unlock_screen_refuses_a_wrong_passphrase_and_opens_with_the_right_one(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    vault.close()
    window.unlock.vault.setText(str(vault.path))
    window.unlock.user.setText(USER)
    window.unlock.passphrase.setText("wrong")
    window.unlock.open()
    settle()
    assert window.workspace is None
    assert window.unlock.message.text().endswith(".")
    assert window.unlock.passphrase.text() == ""
    window.unlock.passphrase.setText(PASSPHRASE)
    window.unlock.open()
    settle()
    assert window.workspace is not None
    assert str(vault.path) in window.settings.recent_vaults


def test_every_key_of_the_window_is_in_the_help(window: MainWindow, vault: Vault, settle: Settle) -> None:
    window.take_vault(vault)
    settle()
    listed = help_text("keys")
    keys = {s.key().toString() for s in window.findChildren(QShortcut)}
    keys |= {k.toString() for a in window.findChildren(QAction) for k in a.shortcuts()}
    keys |= {place.key for place in PLACES}
    missing = {key for key in keys - {""} if f"{key} " not in listed and f"{key}," not in listed}
    assert missing == set()


@pytest.mark.parametrize("topic", [name for name, _title in TOPICS])
def test_every_help_topic_has_a_text(topic: str) -> None:
    assert help_text(topic).startswith("# ")


def test_larger_text_and_the_dark_theme_are_kept_for_the_next_start(window: MainWindow) -> None:
    window.step_scale(1)
    window.set_theme("dark")
    assert (window.settings.percent, window.settings.theme) == (110, "dark")
    assert '"dark"' in window.around.settings_file.read_text(encoding="utf-8")


def test_a_run_under_way_outlives_a_lock_and_the_passphrase_leads_back_to_it(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.take_vault(vault)
    settle()
    go_on = Event()

    def run(_request: RunRequest, stop: Event) -> Iterator[RunProgress]:
        while not go_on.wait(0.01) and not stop.is_set():
            yield RunProgress("Training", 1, 2, 0.5)

    window.training_run.start(run, RunRequest(1.0, 2.0, "head"))
    window.lock()
    assert window.workspace is None
    assert vault.patient_count() == 61  # kept for the run, behind the unlock screen
    window.unlock.vault.setText(str(vault.path))
    window.unlock.user.setText(USER)
    window.unlock.passphrase.setText("wrong")
    window.unlock.open()
    QTest.qWait(200)
    assert window.workspace is None
    window.unlock.passphrase.setText(PASSPHRASE)
    window.unlock.open()
    end = process_time() + PATIENCE_S
    while window.workspace is None and process_time() < end:
        QTest.qWait(20)
    assert window.workspace is not None
    assert window.workspace.session.vault is vault
    window.lock()
    go_on.set()
    settle()
    assert not window.training_run.under_way
    with pytest.raises(VaultError):
        vault.patients()


def test_a_word_given_under_another_id_of_the_disease_can_be_taken_back(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    _open_chart(window, vault, settle)
    assert window.workspace is not None
    page = window.workspace.patient
    current = page.differential.list.current()
    assert current is not None
    page.decide(current.line, Decision.CONFIRMED)
    other_first = replace(current.line, disease_id=DiseaseId("ORPHA:0"), same_as=(current.line.disease_id,))
    page.decide(other_first, Decision.WITHDRAWN)
    settle()
    assert [d.decision for d in vault.diagnoses(MARFAN)] == [Decision.CONFIRMED, Decision.WITHDRAWN]
    assert {d.disease_id for d in vault.diagnoses(MARFAN)} == {current.line.disease_id}

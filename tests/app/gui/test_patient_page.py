"""The patient page on a real vault: marks and decisions by key and by search, evidence, undo."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.clinical.annotation import AnnotationAction
from app.clinical.diagnosis import Decision
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from knowledge_graph.terms.term import DiseaseId
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.conftest import USER
from tests.app.gui.hands import open_chart, press

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


def test_keys_annotate_and_every_deed_is_in_the_log(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    press(qtbot, window, Qt.Key.Key_J)
    first = page.note.view.current_mark()
    assert first is not None
    assert first.suggested
    press(qtbot, window, Qt.Key.Key_A)
    second = page.note.view.current_mark()
    assert second is not None
    assert second.id != first.id
    press(qtbot, window, Qt.Key.Key_X)
    page.note.choose_id(first.id)
    press(qtbot, window, Qt.Key.Key_N)
    settle()
    log = vault.annotation_events(MARFAN)
    assert [e.action for e in log] == [
        AnnotationAction.ADD,
        AnnotationAction.REJECT,
        AnnotationAction.CHANGE,
    ]
    assert {e.author for e in log} == {USER}
    press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle()
    assert page.opened is not None
    assert page.opened.annotations() == ()
    shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    press(qtbot, window, Qt.Key.Key_Z, shift)
    settle()
    assert len(vault.annotation_events(MARFAN)) == 7
    assert [m.id for m in page.opened.annotations()] == [first.id]


def test_selected_words_become_a_mark_by_term_search(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    assert page.opened is not None
    start = page.opened.note(NOTE).text.index("arm span exceeds height")
    cursor = page.note.view.textCursor()
    cursor.setPosition(start)
    cursor.setPosition(start + 23, cursor.MoveMode.KeepAnchor)
    page.note.view.setTextCursor(cursor)
    press(qtbot, window, Qt.Key.Key_M)
    search = page.notes.term_search
    assert search is not None
    search.popup.query.setText("disproportionate tall")
    settle()
    search.popup.take()
    settle()
    (event,) = vault.annotation_events(MARFAN)
    assert (event.annotation.start, event.annotation.end) == (start, start + 23)
    assert event.annotation.term_id == "HP:0001519"


def test_a_disease_that_is_not_listed_is_confirmed_and_taken_back(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    for expected in (Decision.CONFIRMED, Decision.WITHDRAWN):
        page.differential.other.click()
        search = page.disease_search
        assert search is not None
        search.popup.query.setText("wilson disease")
        settle()
        assert search.take_button.text() == ("Confirm" if expected is Decision.CONFIRMED else "Take back")
        search.popup.take()
        settle()
        said = vault.diagnoses(MARFAN)[-1]
        assert (said.disease_id, said.decision, said.shown_rank) == ("OMIM:277900", expected, None)
    assert page.opened is not None
    assert page.opened.confirmed() == ()


def test_a_diagnosis_is_confirmed_taken_back_and_audited(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    open_chart(window, vault, settle)
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
    page = open_chart(window, vault, settle)
    press(qtbot, window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
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


def test_a_word_given_under_another_id_of_the_disease_can_be_taken_back(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    current = page.differential.list.current()
    assert current is not None
    page.decide(current.line, Decision.CONFIRMED)
    other_first = replace(current.line, disease_id=DiseaseId("ORPHA:0"), same_as=(current.line.disease_id,))
    page.decide(other_first, Decision.WITHDRAWN)
    settle()
    assert [d.decision for d in vault.diagnoses(MARFAN)] == [Decision.CONFIRMED, Decision.WITHDRAWN]
    assert {d.disease_id for d in vault.diagnoses(MARFAN)} == {current.line.disease_id}

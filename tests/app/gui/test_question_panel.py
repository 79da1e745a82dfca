"""The next questions on a real vault: each answer is one key and one finding; unknown is kept nowhere."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.clinical.annotation import AnnotationAction
from app.clinical.ids import PatientId, RecordId
from app.clinical.note import ErrorReason
from app.clinical.record import PhenotypicFeature
from app.gui.patient.question_panel import NO_NOTE, QuestionPanel
from app.gui.shell.main_window import MainWindow
from app.store.note_error import mark_in_error
from app.store.vault import Vault
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.terms.term import TermId
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.hands import open_chart, press

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


def _panel(window: MainWindow) -> QuestionPanel:
    assert window.workspace is not None
    return window.workspace.patient.questions


def _asked(panel: QuestionPanel) -> list[TermId]:
    now = panel.list.widget.currentRow()
    found = []
    for place in range(panel.list.widget.count()):
        panel.list.widget.setCurrentRow(place)
        question = panel.list.current()
        assert question is not None
        found.append(question.term_id)
    panel.list.widget.setCurrentRow(now)
    return found


def test_answers_by_key_become_findings_that_undo_takes_back(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    open_chart(window, vault, settle)
    assert window.workspace is not None
    page, panel = window.workspace.patient, _panel(window)
    before = _asked(panel)
    assert len(before) == 5
    press(qtbot, window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert panel.list.widget.hasFocus()
    qtbot.keyClick(panel.list.widget, Qt.Key.Key_Y)
    settle()
    (event,) = vault.annotation_events(MARFAN)
    assert (event.annotation.term_id, event.annotation.state) == (before[0], FindingState.OBSERVED)
    assert event.annotation.start == event.annotation.end == len(vault.note(NOTE).text)
    evidence = page.differential.list.current()
    assert evidence is not None
    assert before[0] in {e.term_id for e in evidence.line.evidence}
    assert before[0] not in _asked(panel)
    assert panel.list.widget.hasFocus()
    second = _asked(panel)[1]
    qtbot.keyClick(panel.list.widget, Qt.Key.Key_Down)
    qtbot.keyClick(panel.list.widget, Qt.Key.Key_N)
    settle()
    assert vault.annotation_events(MARFAN)[-1].annotation.state is FindingState.EXCLUDED
    assert vault.annotation_events(MARFAN)[-1].annotation.term_id == second
    shown = [page.findings.widget.item(i).toolTip() for i in range(page.findings.widget.count())]
    assert sum("answered" in tip for tip in shown) == 2
    for _ in range(2):
        qtbot.keyClick(panel.list.widget, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle()
    assert [e.action for e in vault.annotation_events(MARFAN)[2:]] == [AnnotationAction.REMOVE] * 2
    assert _asked(panel) == before


def test_unknown_is_not_asked_again_and_leaves_no_trace(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    open_chart(window, vault, settle)
    panel = _panel(window)
    before = _asked(panel)
    panel.unknown.click()
    settle()
    assert before[0] not in _asked(panel)
    assert vault.annotation_events(MARFAN) == ()
    assert window.workspace is not None
    window.workspace.open_patient(MARFAN)
    settle()
    assert _asked(panel) == before


def test_one_disease_alone_can_be_ruled_in_or_out(window: MainWindow, vault: Vault, settle: Settle) -> None:
    open_chart(window, vault, settle)
    assert window.workspace is not None
    panel, listed = _panel(window), window.workspace.patient.differential.list
    panel.one.setChecked(True)
    for place in (0, 2):
        listed.widget.setCurrentRow(place)
        settle()
        chosen = listed.current()
        question = panel.list.current()
        assert chosen is not None
        assert question is not None
        assert panel.state.text() == f"Is it {chosen.line.name}?"
        assert question.if_yes.disease_id == question.if_no.disease_id == chosen.line.disease_id
        assert question.if_yes.probability != question.if_no.probability


def test_a_chart_without_a_note_says_where_an_answer_would_go(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    open_chart(window, vault, settle)
    assert window.workspace is not None
    window.workspace.open_patient(PatientId("patient-00001"))
    settle()
    panel = _panel(window)
    assert _asked(panel)
    panel.yes.click()
    settle()
    assert panel.state.text() == NO_NOTE
    assert vault.annotation_events("patient-00001") == ()


def test_an_answer_beside_a_note_in_error_goes_to_one_that_counts(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    mark_in_error(vault, NOTE, ErrorReason.WRONG_CONTENT)
    page, panel = open_chart(window, vault, settle), _panel(window)
    page.open_note(NOTE)
    panel.yes.click()
    settle()
    (event,) = vault.annotation_events(MARFAN)
    assert event.annotation.note_id == "note-marfan-1"


def test_a_lock_empties_the_questions(window: MainWindow, vault: Vault, settle: Settle) -> None:
    open_chart(window, vault, settle)
    panel = _panel(window)
    window.lock()
    assert panel.list.widget.count() == 0


def test_diseases_stand_side_by_side_and_others_can_be_ticked(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    press(qtbot, window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    settle()
    shown = page.comparing.dialog
    assert shown.diseases.hasFocus()
    assert shown.table.columnCount() == 3
    first = page.differential.list.current()
    assert first is not None
    heads = [shown.table.model().headerData(column, Qt.Orientation.Horizontal) for column in range(3)]
    assert heads[1].endswith(first.line.name)
    names = [shown.table.model().index(place, 0).data() for place in range(shown.table.rowCount())]
    assert {e.name for e in first.line.evidence} <= set(names)
    assert any(name.endswith("(not yet asked)") for name in names)
    shown.diseases.setCurrentRow(2)
    qtbot.keyClick(shown.diseases, Qt.Key.Key_Space)
    settle()
    assert shown.table.columnCount() == 4
    shown.table.setCurrentCell(1, 1)
    assert shown.sources.text() != ""
    window.lock()
    assert shown.table.rowCount() == 0
    assert shown.diseases.count() == 0


def test_similar_patients_are_named_opened_and_forgotten(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    like = PhenotypicFeature(RecordId("f"), PatientId("patient-00004"), Finding(TermId("HP:0001166")))
    vault.put_records([like], origin="synthetic")
    page = open_chart(window, vault, settle)
    press(qtbot, window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    settle()
    shown = page.similar.list
    assert shown.hasFocus()
    assert vault.audit_events(1)[0].action == "similar-patients-shown"
    name = vault.chart("patient-00004").patient.name
    assert name in shown.item(1).text()
    assert "Arachnodactyly" in shown.item(1).text()
    once = shown.count()
    page.similar.ask()
    page.similar.ask()
    settle()
    assert shown.count() == once
    qtbot.keyClick(shown, Qt.Key.Key_Return)
    settle()
    assert page.opened is not None
    assert page.opened.chart.patient.id == "patient-00004"
    assert shown.count() == 0


def test_where_no_patient_is_alike_the_keyboard_begins_at_the_first_disease(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = open_chart(window, vault, settle)
    press(qtbot, window, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    settle()
    shown = page.similar.list
    assert shown.item(0).text() == "No patient of this vault is alike"
    assert "Mass syndrome" in shown.currentItem().text()

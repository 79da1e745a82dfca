"""A lock leaves nothing of a patient: not in a widget, not in memory, not in the clipboard."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.clinical.annotation import Annotation
from app.clinical.chart import Chart
from app.clinical.diagnosis import Differential
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.gui.shell.clipboard_guard import ClipboardGuard
from app.gui.shell.main_window import MainWindow
from app.store.patient_query import PatientRow
from app.store.vault import Vault
from knowledge_graph.findings.finding import FindingState
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.left_over import assert_forgotten, in_memory, told

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
SECRETS = ("Lindqvist", "MRN 204-118", "tall stature, arachnodactyly", "Okafor said", "Genetics consultation")
PATIENT_OBJECTS = (Annotation, Chart, Differential, Note, Patient, PatientRow)


def _work(window: MainWindow, vault: Vault, settle: Settle) -> None:
    """Open a chart and everything that can stand open over it."""
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    page = window.workspace.patient
    window.workspace.patients.search.setText("Lindqvist")
    settle()
    window.workspace.open_patient(MARFAN)
    settle()
    page.note.move(1)
    current = page.differential.list.current()
    assert current is not None
    page.draw(current.line)
    settle()
    assert page.notes.term_search is not None
    page.notes.term_search.ask(
        title="Mark a finding",
        quote="Okafor said",
        query="tall stature, arachnodactyly",
        state=FindingState.OBSERVED,
        taken=lambda _term, _state: None,
    )
    settle()


def test_after_a_lock_no_widget_or_model_tells_of_a_patient(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    before = {id(o) for o in in_memory(PATIENT_OBJECTS)}
    _work(window, vault, settle)
    assert all(secret in told() for secret in SECRETS)
    window.lock()
    assert [secret for secret in SECRETS if secret in told()] == []
    assert_forgotten(window, settle, PATIENT_OBJECTS, before)


def test_a_locked_window_can_be_restyled_and_opened_again(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    _work(window, vault, settle)
    release = window.release_vault()
    assert release is vault
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    window.set_theme("dark")
    window.step_scale(2)
    window.take_vault(vault)
    settle()
    window.set_theme("light")
    settle()
    assert window.workspace is not None


def test_words_copied_from_a_note_leave_the_clipboard_at_the_lock(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.open_patient(MARFAN)
    settle()
    view: QWidget = window.workspace.patient.note.view
    assert view.hasFocus()
    window.workspace.patient.note.view.selectAll()
    window.workspace.patient.note.view.copy()
    assert "arachnodactyly" in QGuiApplication.clipboard().text()
    assert window.workspace.patient.notes.note_id == NOTE
    window.lock()
    assert QGuiApplication.clipboard().text() == ""


def test_what_another_program_copied_stays(qtbot: object) -> None:
    clipboard = QGuiApplication.clipboard()
    clipboard.setText("from elsewhere")  # before the guard looks: not seen as ours
    guard = ClipboardGuard()
    guard.take_back()
    assert clipboard.text() == ("" if clipboard.ownsClipboard() else "from elsewhere")
    clipboard.clear()

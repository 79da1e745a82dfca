"""A chart of long notes has its differential before they are read; what is chosen stays while it grows."""

from collections.abc import Callable, Iterator
from threading import Semaphore
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.clinical.ids import NoteId, PatientId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.gui.patient.patient_page import PatientPage
from app.gui.patient.standing_line import GO_ON, NO_BREAK, STOP
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from knowledge_graph.findings.finding import Sex
from ml.inference.predictor import Predictor

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
WHO = PatientId("patient-long")
WINDOWS = 20
PROSE = "On day {} of the stay the night was quiet and the family came to visit in the afternoon. "
FOUND = "Arachnodactyly, ectopia lentis, scoliosis and aortic root dilatation were seen. "


class Gate:
    """Lets so many windows be read as the test allows."""

    def __init__(self) -> None:
        self.permits = Semaphore(0)
        self.read = 0

    def open(self, windows: int) -> None:
        self.permits.release(windows)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    held, really = Gate(), Predictor.run_batch

    def wait_and_read(model: Predictor, feed: dict[str, Any], doubt: float | None = None) -> Any:
        assert held.permits.acquire(timeout=60)
        held.read += 1
        return really(model, feed, doubt)

    monkeypatch.setattr(Predictor, "run_batch", wait_and_read)
    yield held
    held.open(999)


def open_long_chart(window: MainWindow, vault: Vault, settle: Settle) -> PatientPage:
    text = FOUND + "".join(PROSE.format(day) for day in range(230))
    vault.put_records(
        (
            Patient(WHO, "Long, Ida", "2010-02-11", Sex.FEMALE, "", ()),
            Note(NoteId("note-long"), WHO, text, "Stay", "2024-05-14"),
        ),
        origin="synthetic",
    )
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.open_patient(WHO)
    return window.workspace.patient


def said(page: PatientPage) -> str:
    return page.differential.standing.label.text().replace(NO_BREAK, " ")


def ids(page: PatientPage) -> list[str]:
    shown = page.differential.list.widget
    return [shown.item(i).toolTip().split("\n")[1] for i in range(shown.count())]


def test_the_differential_is_there_before_the_notes_are_read_and_grows_in_its_place(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, gate: Gate
) -> None:
    page = open_long_chart(window, vault, settle)
    qtbot.waitUntil(lambda: len(ids(page)) == 10, timeout=60_000)
    assert gate.read == 0
    assert said(page) == "Still reading the notes, 0 %. The order may change."
    assert page.differential.standing.turn.isVisible()
    assert page.questions.list.widget.count() == 0  # questions wait for the last answer
    first, kept = ids(page), ids(page)[1]
    page.differential.list.widget.setCurrentRow(1)
    gate.open(9)
    qtbot.waitUntil(lambda: gate.read == 9 and ids(page) != first, timeout=60_000)
    current = page.differential.list.current()
    assert current is not None
    assert current.line.disease_id == (kept if kept in ids(page) else ids(page)[0])
    gate.open(99)
    settle()
    assert "Decision support" in said(page) or "ideas" in said(page)
    assert not page.differential.standing.turn.isVisible()
    assert page.questions.list.widget.count() > 0
    assert [e.action for e in vault.audit_events(20)].count("differential-shown") >= 2


def test_reading_is_stopped_and_taken_up_by_the_keyboard(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, gate: Gate
) -> None:
    page = open_long_chart(window, vault, settle)
    qtbot.waitUntil(lambda: len(ids(page)) == 10, timeout=60_000)
    gate.open(3)
    qtbot.waitUntil(lambda: gate.read == 3 and "0 %" not in said(page), timeout=60_000)
    qtbot.keyClick(page.note.view, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    gate.open(1)  # the window under way
    settle()
    read = gate.read
    assert "stopped" in said(page)
    assert page.differential.standing.turn.text() == GO_ON
    assert page.questions.list.widget.count() > 0
    gate.open(99)
    QApplication.processEvents()
    assert gate.read == read
    page.differential.standing.turn.click()
    settle()
    assert "stopped" not in said(page)
    assert gate.read > read
    assert page.differential.standing.turn.text() == STOP
    assert not page.differential.standing.turn.isVisible()


def test_another_chart_ends_the_reading(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, gate: Gate
) -> None:
    page = open_long_chart(window, vault, settle)
    qtbot.waitUntil(lambda: len(ids(page)) == 10, timeout=60_000)
    page.open(PatientId("patient-00001"))  # has no note
    gate.open(1)
    settle()
    assert gate.read <= 1
    assert ids(page) == []  # of a chart that says nothing there is no order
    assert "Decision support" not in said(page)
    assert not page.differential.standing.turn.isVisible()

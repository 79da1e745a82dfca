"""Contradictory labels are found when asked for, in words, and lead to the chart."""

from collections.abc import Callable, Iterator
from threading import Semaphore

import pytest
from pytestqt.qtbot import QtBot

from app.clinical.annotation import AnnotationEvent
from app.clinical.chart import Chart
from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import PatientId
from app.gui.shell.main_window import MainWindow
from app.gui.training.label_card import LOOK, NOTHING
from app.store.vault import Vault
from knowledge_graph.terms.term import DiseaseId
from tests.app.gui.clinic import MARFAN
from tests.app.gui.hands import enter

Settle = Callable[[], None]


def say(vault: Vault, disease: str, decision: Decision) -> None:
    vault.record_diagnosis(Diagnosis(MARFAN, DiseaseId(disease), disease, decision, "ann", "2024-06-01"))


@pytest.mark.slow
def test_a_contradiction_is_told_in_words_and_opens_the_chart(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    workspace, card = window.workspace, window.workspace.training.labels
    workspace.go("training")
    assert card.list.count() == 0
    card.look()
    settle()
    assert card.state.text() == NOTHING
    say(vault, "OMIM:154700", Decision.CONFIRMED)
    say(vault, "ORPHA:558", Decision.REJECTED)
    card.look()
    settle()
    assert card.list.count() == 1
    window.resize(1280, 720)
    card.look()
    settle()
    qtbot.waitUntil(lambda: not card.list.visibleRegion().isEmpty())
    item = card.list.item(0)
    assert item.text() == (
        "Lindqvist, Jonas (MRN 204-118): one disease confirmed and rejected\nMarfan syndrome (OMIM:154700)"
    )
    card.list.itemActivated.emit(item)
    settle()
    assert workspace.here == "patient"
    assert workspace.patient.opened is not None
    assert workspace.patient.opened.chart.patient.id == MARFAN
    window.lock()
    assert card.list.count() == 0


@pytest.mark.slow
def test_it_says_how_far_it_is_and_is_stopped_by_the_button_that_began_it(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(vault, "OMIM:154700", Decision.CONFIRMED)
    say(vault, "ORPHA:558", Decision.REJECTED)
    may_read, every_chart = Semaphore(0), vault.every_chart
    read: list[PatientId] = []

    def slowly() -> Iterator[tuple[Chart, tuple[AnnotationEvent, ...]]]:
        for chart, events in sorted(every_chart(), key=lambda each: each[0].patient.id != MARFAN):
            may_read.acquire()
            read.append(chart.patient.id)
            yield chart, events

    monkeypatch.setattr(vault, "every_chart", slowly)
    card = enter(window, vault, settle).training.labels
    card.turn.click()
    assert card.state.text() == "Reading the charts, 0%."
    assert card.turn.text() == "Stop"
    may_read.release(31)
    qtbot.waitUntil(lambda: card.state.text() == "Reading the charts, 50%. 1 to check so far.")
    card.turn.click()
    assert card.state.text() == "Stopped before all charts were read. 1 to check so far."
    assert card.turn.text() == LOOK
    may_read.release(1)  # the chart under way
    settle()
    assert len(read) == 32
    assert card.list.count() == 1
    may_read.release(99)
    card.turn.click()
    settle()
    assert card.state.text() == "1 to check. Enter opens the chart."
    assert card.turn.text() == LOOK

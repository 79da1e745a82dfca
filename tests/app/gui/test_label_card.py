"""Contradictory labels are found when asked for, in words, and lead to the chart."""

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.clinical.diagnosis import Decision, Diagnosis
from app.gui.shell.main_window import MainWindow
from app.gui.training.label_card import NOTHING
from app.store.vault import Vault
from knowledge_graph.terms.term import DiseaseId
from tests.app.gui.clinic import MARFAN

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

"""Two threads read for the window: an answer that comes late reaches no other patient, and no other words."""

from collections.abc import Callable
from threading import Event

import pytest
from pytestqt.qtbot import QtBot

from app.clinical.ids import PatientId
from app.errors import VaultError
from app.gui.patient import chart_desk, patient_page
from app.gui.patient.annotating import added
from app.gui.patient.open_chart import OpenChart, read_open_chart
from app.gui.patient.patient_page import PatientPage
from app.gui.shell.main_window import MainWindow
from app.store.vault import Vault
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.terms.term import TermId
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.hands import Settle, open_chart

pytestmark = pytest.mark.slow
OTHER = PatientId("patient-00000")
LONGEST_S = 20.0


def shown(page: PatientPage) -> PatientId | None:
    return page.opened.chart.patient.id if page.opened else None


def held_for(patient: PatientId, until: Event) -> Callable[[Vault, PatientId], OpenChart]:
    """Reads charts, that of one patient late."""

    def read(vault: Vault, wanted: PatientId) -> OpenChart:
        if wanted == patient:
            until.wait(LONGEST_S)
        return read_open_chart(vault, wanted)

    return read


def test_the_chart_asked_for_last_is_shown_though_an_earlier_one_comes_after_it(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, come = open_chart(window, vault, settle), Event()
    monkeypatch.setattr(patient_page, "read_open_chart", held_for(MARFAN, come))
    page.open(MARFAN)
    page.open(OTHER)
    qtbot.waitUntil(lambda: shown(page) == OTHER)
    come.set()
    settle()
    assert shown(page) == OTHER
    assert page.heading.name.text() == "Abara, Ada"


def test_a_mark_that_is_refused_leaves_the_chart_opened_meanwhile(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, come = open_chart(window, vault, settle), Event()

    def refuse(_vault: Vault, _record: object) -> None:
        come.wait(LONGEST_S)
        raise VaultError("the disk is full; free some space")

    monkeypatch.setattr(chart_desk, "append", refuse)
    page.desk.do(added(NOTE, (0, 8), TermId("HP:0000545"), FindingState.OBSERVED))
    page.open(OTHER)
    qtbot.waitUntil(lambda: shown(page) == OTHER)
    come.set()
    settle()
    assert shown(page) == OTHER

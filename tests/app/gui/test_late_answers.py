"""Two threads read for the window: an answer that comes late reaches no other patient, and no other words."""

from collections.abc import Callable
from threading import Event

import pytest
from pytestqt.qtbot import QtBot

from app.clinical.chart import Chart
from app.clinical.ids import NoteId, PatientId
from app.clinical.note import ErrorReason
from app.errors import VaultError
from app.gui.assistant import Assistant
from app.gui.patient import chart_desk, patient_page
from app.gui.patient.annotating import added
from app.gui.patient.evidence_list import ROW
from app.gui.patient.open_chart import OpenChart, read_open_chart
from app.gui.patient.patient_page import PatientPage
from app.gui.shell.main_window import MainWindow
from app.store.note_error import mark_in_error
from app.store.vault import Vault
from app.workflows.explain_text import TextExplanation
from knowledge_graph.findings.finding import FindingState
from knowledge_graph.rationale.evidence_graph import EvidenceGraph
from knowledge_graph.terms.term import DiseaseId, TermId
from tests.app.gui.clinic import MARFAN, NOTE
from tests.app.gui.hands import Settle, open_chart

pytestmark = pytest.mark.slow
FIRST_NOTE = NoteId("note-marfan-1")
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


def test_a_drawing_that_comes_late_is_not_shown_under_another_disease(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, come, draw = open_chart(window, vault, settle), Event(), Assistant.draw
    listed = page.differential.list
    first, second = (listed.widget.item(row).data(ROW).line for row in range(2))

    def late(
        assistant: Assistant, chart: Chart, marks: object, today: object, disease: DiseaseId
    ) -> EvidenceGraph:
        if disease == first.disease_id:
            come.wait(LONGEST_S)
        return draw(assistant, chart, marks, today, disease)  # type: ignore[arg-type]

    monkeypatch.setattr(Assistant, "draw", late)
    page.draw(first)
    page.draw(second)
    qtbot.waitUntil(lambda: not page.graph.canvas.place_of(second.disease_id).isEmpty(), timeout=20_000)
    come.set()
    settle()
    assert page.graph.title.text() == second.name
    assert page.graph.canvas.place_of(first.disease_id).isEmpty()
    page.open(OTHER)
    assert not page.graph.dialog.isVisible()


def test_sentences_read_before_a_note_was_taken_out_are_not_told_of_the_other_notes(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, come, explain = open_chart(window, vault, settle), Event(), Assistant.explain

    def late(assistant: Assistant, chart: Chart) -> TextExplanation:
        if len(chart.notes) == 2:
            come.wait(LONGEST_S)
        return explain(assistant, chart)

    def noted() -> set[NoteId]:
        shown = page.differential.evidence.widget
        rows = (shown.item(number).data(ROW) for number in range(shown.count()))
        return {row.noted.note_id for row in rows if row.noted is not None}

    monkeypatch.setattr(Assistant, "explain", late)
    page.differential.sentences.toggle()
    mark_in_error(vault, FIRST_NOTE, ErrorReason.WRONG_CONTENT)
    page.open(MARFAN)
    qtbot.waitUntil(lambda: noted() == {NOTE}, timeout=20_000)
    come.set()
    settle()
    assert noted() == {NOTE}

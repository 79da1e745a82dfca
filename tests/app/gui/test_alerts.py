"""The strip of alerts on a real vault: seen, reached by keys, put aside with a reason, gone at the lock."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from app.clinical.ids import NoteId, PatientId, RecordId
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import Coding, Observation, Quantity
from app.gui.assistant import take_rules
from app.gui.patient.alert_list import paint_shape
from app.gui.patient.alert_strip import AlertStrip
from app.gui.patient.alert_text import ROLES, evidence_mark, spoken, trace_lines
from app.gui.shell.main_window import MainWindow
from app.gui.theme.look import Look
from app.gui.theme.palette import THEMES, contrast
from app.store.vault import Vault
from app.workflows.diagnose import DiagnosisService
from app.workflows.dismiss_alert import DismissReason
from app.workflows.read_laboratory import LOINC
from knowledge_graph.rules.requirement import Requirement, State
from knowledge_graph.rules.rule import Urgency
from knowledge_graph.rules.trace import Alert, NearMiss, RuleTrace
from tests.app.gui.clinic import MARFAN
from tests.app.gui.conftest import USER
from tests.app.gui.hands import press

ILL = PatientId("ill")
NOTE = NoteId("ill-note")
Settle = Callable[[], None]


def alert(rule_id: str = "a", by: str = "Fever", urgency: Urgency = Urgency.URGENT) -> Alert:
    met = (Requirement("Fever", State.MET, (by,)),)
    return Alert(rule_id, "A danger", urgency, "Act.", "A guideline", "https://example.org", "built in", met)


def test_what_an_alert_rests_on_has_a_mark_that_tells_nothing() -> None:
    marks = {
        evidence_mark("p", alert()),
        evidence_mark("q", alert()),
        evidence_mark("p", alert("b")),
        evidence_mark("p", alert(by="Recurrent fever")),
    }
    assert len(marks) == 4
    assert evidence_mark("p", alert(urgency=Urgency.SOON)) in marks
    assert not any("ever" in mark for mark in marks)


def test_a_trace_is_told_line_by_line_with_sources_and_near_misses() -> None:
    near = NearMiss("n", "Nearly", Urgency.SOON, (), Requirement("Rash", State.OPEN), held_back=False)
    held = NearMiss(
        "h", "Held", Urgency.SOON, (), Requirement("Fever", State.EXCLUDED, ("Chill",)), held_back=True
    )
    told = "\n".join(
        words for _, words in trace_lines(RuleTrace((alert(by="Recurrent fever"),), (near, held), 9))
    )
    assert "TODAY: A danger" in told
    assert "Asked: Fever. Found: Recurrent fever." in told
    assert "Source: A guideline\nhttps://example.org" in told
    assert "missing: Rash (not met)" in told
    assert "held back: Fever is excluded" in told
    assert spoken(alert()).startswith("TODAY: A danger. Act.")


def test_urgencies_differ_in_shape_words_and_colour(qtbot: QtBot) -> None:
    look = Look()
    drawn = set()
    for urgency in Urgency:
        image = QImage(40, 40, QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        paint_shape(painter, look, urgency, QRectF(4, 4, 32, 32))
        painter.end()
        grey = image.convertToFormat(QImage.Format.Format_Mono)
        drawn.add(bytes(grey.constBits()))
    assert len(drawn) == len(set(ROLES.values())) == 3
    for theme in THEMES.values():
        for role in ROLES.values():
            for ground in (theme.surface, theme.selected):
                assert contrast(getattr(theme, role), ground) >= theme.text_contrast


def ill_records() -> tuple[object, ...]:
    text = "Fever and headache since last night, now photophobia and nuchal rigidity. No seizure."
    return (
        Patient(ILL, "Berg, Nils", "2001-02-03"),
        Note(NOTE, ILL, text, written_at="2025-12-30T08:00:00Z"),
        Observation(
            RecordId("k"), ILL, "Potassium", (Coding(LOINC, "2823-3"),), quantity=Quantity(6.9, "mmol/L")
        ),
    )


@pytest.fixture
def strip(window: MainWindow, vault: Vault, settle: Settle) -> AlertStrip:
    vault.put_records(ill_records(), origin="synthetic")  # type: ignore[arg-type]
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    window.workspace.open_patient(ILL)
    settle()
    return window.workspace.patient.alerts


def shown(strip: AlertStrip) -> list[str]:
    listed = strip.list.widget
    return [listed.item(i).data(Qt.ItemDataRole.UserRole).rule_id for i in range(listed.count())]


@pytest.mark.slow
def test_alerts_are_reached_explained_and_put_aside_by_keys(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, strip: AlertStrip
) -> None:
    assert strip.widget.isVisible()
    assert shown(strip) == ["meningitis", "severe-hyperkalaemia", "headache-neck-stiffness"]
    assert window.workspace is not None
    shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window.workspace.patient.note.view, Qt.Key.Key_A, shift)
    assert strip.list.widget.hasFocus()
    qtbot.keyClick(strip.list.widget, Qt.Key.Key_Return)
    assert strip.dialog.dialog.isVisible()
    assert strip.dialog.list.item(0).text() == "AT ONCE: Possible bacterial meningitis"
    strip.dialog.dialog.hide()
    qtbot.keyClick(strip.list.widget, Qt.Key.Key_Down)
    strip.menu.actions()[1].trigger()
    settle()
    assert shown(strip) == ["meningitis", "headache-neck-stiffness"]
    event = vault.audit_events(1)[0]
    assert (event.user, event.action, event.record_id) == (USER, "alert-dismissed", ILL)
    assert event.detail == "rule severe-hyperkalaemia, reason ruled_out"
    window.workspace.open_patient(MARFAN)
    settle()
    window.workspace.open_patient(ILL)
    settle()
    assert shown(strip) == ["meningitis", "headache-neck-stiffness"]
    strip.again.click()
    settle()
    assert "severe-hyperkalaemia" in shown(strip)
    assert vault.audit_events(1)[0].action == "alert-restored"


@pytest.mark.slow
def test_other_evidence_brings_an_alert_back_and_a_lock_forgets_it(
    qtbot: QtBot, window: MainWindow, settle: Settle, strip: AlertStrip
) -> None:
    strip.dismiss(DismissReason.OTHER)
    settle()
    assert "meningitis" not in shown(strip)
    assert window.workspace is not None
    page = window.workspace.patient
    assert page.opened is not None
    words = page.opened.note(NOTE).text
    page.note.move(1)
    while (mark := page.note.view.current_mark()) and words[mark.start : mark.end] != "headache":
        page.note.move(1)
    press(qtbot, window, Qt.Key.Key_X)
    settle()
    assert shown(strip)[0] == "meningitis"
    strip.why.click()
    window.lock()
    assert shown(strip) == []
    assert strip.dialog.list.count() == 0
    assert not strip.dialog.dialog.isVisible()


@pytest.mark.slow
def test_a_rules_file_with_a_mistake_leaves_the_programs_own_in_force(
    public_cache: Path, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[[red_flag]]\n", encoding="utf-8")
    service = DiagnosisService.load(public_cache, with_text=False)
    assert take_rules(service, None) == ""
    warning = take_rules(service, file)
    assert warning.startswith("the hospital's own rules are not in force")
    assert "line 1" in warning
    assert len(service.rules.red_flags) >= 60

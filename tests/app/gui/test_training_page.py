"""The training page runs the real trainer on a real vault, stops it, and shows what was spent."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.clinical.diagnosis import Decision, Diagnosis
from app.gui.shell.main_window import MainWindow
from app.gui.training.curve_card import where_it_stands
from app.gui.training.run_card import IDLE
from app.gui.training.run_view import RunProgress
from app.gui.training.training_page import TrainingPage
from app.store.vault import Vault
from app.workflows.list_models import result_store
from app.workflows.plan_training import SCOPES, declare_diseases
from app.workflows.resume_training import kept_curve
from knowledge_graph.terms.term import DiseaseId
from ml.privacy.ledger import LedgerEntry
from tests.app.gui.clinic import MARFAN
from tests.app.gui.conftest import PASSPHRASE, USER
from tests.app.workflows.training_site import few_synthetic_notes

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
LIMIT_MS = 120_000
STEPS = SCOPES["head"][0]


@pytest.fixture
def page(window: MainWindow, vault: Vault, settle: Settle) -> Iterator[TrainingPage]:
    disease = DiseaseId("OMIM:154700")
    vault.record_diagnosis(
        Diagnosis(MARFAN, disease, "Marfan syndrome", Decision.CONFIRMED, "ann", "2026-01-01")
    )
    declare_diseases(vault, [str(disease)])
    window.take_vault(vault)
    assert window.workspace is not None
    window.workspace.go("training")
    settle()
    with few_synthetic_notes():
        yield window.workspace.training


def test_a_run_is_followed_to_its_end_and_stands_in_the_ledger(
    qtbot: QtBot, page: TrainingPage, vault: Vault, settle: Settle
) -> None:
    assert page.plan.patients.text() == "1"
    assert page.plan.counted.text() == "patient with a confirmed diagnosis"
    assert "1 disease declared" in page.plan.declared.text()
    assert page.plan.start_button.isEnabled()
    with qtbot.waitSignal(page._run.ended, timeout=LIMIT_MS):
        page.plan.start_button.click()
        assert not page.plan.start_button.isEnabled()
    settle()
    assert page.run.phase.text() == "The run has finished"
    assert sum(entry.steps for entry in vault.ledger()) == STEPS
    assert len(result_store(vault).run_ids()) == 1
    assert page.ledger.table.rowCount() == 1
    assert page.plan.epsilon.value() > 1.0  # the proposal moved above what is spent
    curve = kept_curve(vault)
    assert [point.step for point in curve] == list(range(0, STEPS + 1, 5))
    assert page.curve.widget.isVisibleTo(page.widget)
    assert page.curve.words.text() == where_it_stands(curve)
    assert page.curve.diagram.height() >= page.curve.diagram.sizeHint().height()  # no line of it is cut
    assert page.run.remaining.text().startswith("A result waits to be published")
    page.run.show_idle(waiting=False)
    assert page.run.phase.text() == IDLE
    assert "waits" not in page.run.remaining.text()


def test_a_long_plan_shows_how_much_of_it_is_worked_out(page: TrainingPage) -> None:
    page.run.show_progress(RunProgress("Planning", steps=10_000, share=0.37), None, stopping=False)
    assert (page.run.bar.value(), page.run.bar.maximum()) == (37, 100)
    assert page.run.remaining.text() == "37% of the run planned"
    page.run.show_progress(RunProgress("Training", 5, 10_000), None, stopping=False)
    assert (page.run.bar.value(), page.run.bar.maximum()) == (5, 10_000)


def test_a_run_that_is_prepared_shows_how_far_the_charts_are_read_and_is_stopped_between_two(
    qtbot: QtBot, page: TrainingPage, vault: Vault, settle: Settle
) -> None:
    shown = list[tuple[str, int]]()

    def stop_at_the_first_chart(_progress: object) -> None:
        shown.append((page.run.remaining.text(), page.run.bar.value()))
        if "read" in shown[-1][0]:
            page.run.cancel_button.click()

    page._run.progressed.connect(stop_at_the_first_chart)
    with qtbot.waitSignal(page._run.ended, timeout=LIMIT_MS):
        page.plan.start_button.click()
    settle()
    assert ("100% of the patients' charts read", 100) in shown  # of one
    assert page.run.remaining.text() == "It was stopped before its first step. Nothing was spent."
    assert vault.ledger() == ()


def held_after_two_blocks(monkeypatch: pytest.MonkeyPatch) -> Event:
    """The third debit waits for this event: the steps are faster than the window."""
    go_on, debit = Event(), Vault.append_ledger

    def held(debited: Vault, entry: LedgerEntry) -> None:
        if len(debited.ledger()) == 2:
            assert go_on.wait(LIMIT_MS / 1000)
        debit(debited, entry)

    monkeypatch.setattr(Vault, "append_ledger", held)
    return go_on


def test_a_run_is_stopped_and_can_be_resumed(
    qtbot: QtBot, page: TrainingPage, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped, seen = held_after_two_blocks(monkeypatch), list[str]()

    def stop_at_a_step(progress: object) -> None:
        if getattr(progress, "step", 0) >= 7:
            seen.append(page.curve.words.text())
            page.run.cancel_button.click()
            stopped.set()

    page._run.progressed.connect(stop_at_a_step)
    with qtbot.waitSignal(page._run.ended, timeout=LIMIT_MS):
        page.plan.start_button.click()
    settle()
    assert page.run.phase.text() == "The run was not finished"
    assert "resumed" in page.run.remaining.text()
    assert 0 < sum(entry.steps for entry in vault.ledger()) < STEPS
    assert page.plan.resume_button.isVisible()
    assert seen[0].startswith("Step 5, epsilon")  # while it runs
    assert page.curve.words.text() == where_it_stands(kept_curve(vault))


def test_a_run_that_a_lock_has_paused_goes_on_after_the_unlock_and_loses_no_step(
    qtbot: QtBot,
    page: TrainingPage,
    window: MainWindow,
    vault: Vault,
    settle: Settle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    locked = held_after_two_blocks(monkeypatch)

    def lock_at_a_step(progress: object) -> None:
        if getattr(progress, "step", 0) >= 7 and window.workspace is not None:
            window.lock()
            locked.set()

    run = window.training_run
    run.progressed.connect(lock_at_a_step)
    with qtbot.waitSignal(run.ended, timeout=LIMIT_MS):
        page.plan.start_button.click()
    settle()
    assert vault.closed
    run.progressed.disconnect(lock_at_a_step)
    fresh = Vault.open(vault.path, user=USER, passphrase=PASSPHRASE)
    done = sum(entry.steps for entry in fresh.ledger())
    assert done in (10, 15)  # whole blocks, the one under way at the lock among them
    window.take_vault(fresh)
    boxes = [box for box in window.findChildren(QMessageBox) if "training run" in box.text()]
    assert len(boxes) == 1
    with qtbot.waitSignal(run.ended, timeout=LIMIT_MS):
        next(b for b in boxes[0].buttons() if b.text() == "Go on").click()
    settle()
    assert sum(entry.steps for entry in fresh.ledger()) == STEPS
    assert len({entry.run_id for entry in fresh.ledger()}) == 1
    assert len(result_store(fresh).run_ids()) == 1
    fresh.close()


def test_a_plan_above_the_cap_cannot_start(page: TrainingPage) -> None:
    page.plan.epsilon.setValue(3.0)
    page.plan.cap.setValue(2.0)
    assert not page.plan.start_button.isEnabled()
    assert "above the cap" in page.plan.advice.text()


def test_a_delta_too_large_for_so_many_patients_is_said_at_once(page: TrainingPage) -> None:
    delta, expected = page.plan.delta, page.plan.expected
    delta.setCurrentIndex(delta.findData(1e-5))
    expected.setCurrentIndex(expected.findData(50_000))
    assert not page.plan.start_button.isEnabled()
    assert "Delta 1e-5 is too large" in page.plan.advice.text()
    delta.setCurrentIndex(delta.findData(1e-6))
    assert page.plan.start_button.isEnabled()


def test_declared_diseases_are_checked_and_kept(page: TrainingPage, vault: Vault, settle: Settle) -> None:
    page.declare()
    assert page.declaring is not None
    assert page.declaring.text.toPlainText() == "OMIM:154700"
    page.declaring.text.setPlainText("OMIM:154700  Marfan\n\nsomething")
    page.declaring.save()
    assert "Line 3" in page.declaring.message.text()
    page.declaring.text.setPlainText("OMIM:154700  Marfan\nOMIM:15470O")
    page.declaring.save()
    settle()
    assert "OMIM:15470O" in page.declaring.message.text()
    page.declaring.text.setPlainText("OMIM:154700  Marfan\nORPHA:716")
    page.declaring.save()
    settle()
    assert "2 diseases declared" in page.plan.declared.text()

"""Import, a new vault, the audit and the models, through the window's own pages."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.config.packs import UserPacks
from app.config.policy import Policy
from app.errors import UsageError
from app.gui.assistant import Assistant
from app.gui.models.models_page import ModelsPage
from app.gui.shell.main_window import MainWindow
from app.store.header import RECOVERY
from app.store.key_derivation import KdfParameters
from app.store.vault import Vault
from app.workflows.list_models import ModelRow
from app.workflows.report_model import ReportPlan
from tests.app.gui.clinic import MARFAN
from tests.app.gui.conftest import PASSPHRASE
from tests.app.gui.hands import enter

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


def test_files_dropped_on_the_window_are_imported_with_a_report(
    window: MainWindow, vault: Vault, settle: Settle, tmp_path: Path
) -> None:
    note = tmp_path / "letter.txt"
    note.write_text("Seizures since birth. No fever.", encoding="utf-8")
    broken = tmp_path / "bundle.json"
    broken.write_text('{"resourceType": "Bundle", ', encoding="utf-8")
    window.take_vault(vault)
    settle()
    before = vault.patient_count()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(note)), QUrl.fromLocalFile(str(broken))])
    none = Qt.KeyboardModifier.NoModifier
    drop = QDropEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, none)
    window.dropEvent(drop)
    settle()
    assert window.workspace is not None
    dialog = window.workspace.importing
    assert dialog is not None
    assert dialog.title.text() == "Import finished"
    assert "1 file refused" in dialog.line.text()
    assert dialog.items.count() >= 1
    assert vault.patient_count() == before + 1
    dialog.stop_or_close()


def test_a_new_vault_shows_its_words_once_and_opens_after_they_are_noted(
    window: MainWindow, settle: Settle, tmp_path: Path
) -> None:
    window.unlock.show_create()
    card = window.unlock.create
    card.passphrase.setText(PASSPHRASE)
    card.back_button.click()
    assert card.passphrase.text() == ""
    window.unlock.show_create()
    card.kdf = KdfParameters.fast_for_tests()
    card.folder.setText(str(tmp_path / "new.vault"))
    card.user.setText("dr.new")
    card.passphrase.setText("short")
    card.again.setText("short")
    card.create()
    assert "12 characters" in card.message.text()
    card.passphrase.setText(PASSPHRASE)
    card.again.setText(PASSPHRASE)
    card.create()
    assert (card.create_button.text(), card.create_button.isEnabled()) == ("Creating…", False)
    assert not card.back_button.isEnabled(), "nobody would see the words"
    card.again.returnPressed.emit()
    settle()
    assert card.message.isHidden()
    assert card.create_button.text() == "Create vault"
    words = " ".join(re.findall("[a-z]+", card.words.text()))
    assert not card.continue_button.isEnabled()
    card.noted.setChecked(True)
    card.continue_button.click()
    settle()
    assert window.workspace is not None
    assert card.words.text() == ""
    window.lock()
    Vault.open(tmp_path / "new.vault", user=RECOVERY, passphrase=words).close()


def test_the_audit_page_lists_events_and_verifies_the_chain(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    workspace = enter(window, vault, settle)
    workspace.go("audit")
    settle()
    page = workspace.audit
    assert page.model.rowCount() == len(vault.audit_events(1000))
    page.verify()
    settle()
    assert page.outcome.text().startswith("✓")


def _models_page(window: MainWindow, vault: Vault, settle: Settle) -> ModelsPage:
    workspace = enter(window, vault, settle)
    workspace.go("models")
    settle()
    return workspace.models


def test_the_models_page_shows_the_starting_model_with_its_guarantee(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = _models_page(window, vault, settle)
    assert page.list.count() == 1
    assert "epsilon 0" in page.card.text.toPlainText()
    assert not page.card.diagram.isVisible()
    assert not page.back_button.isEnabled()


def test_one_job_at_a_time_works_on_the_models_and_nothing_else_ends_it(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, come, begun = _models_page(window, vault, settle), Event(), []

    def slowly(_vault: Vault, version: str, _plan: ReportPlan) -> Iterator[str]:
        begun.append(version)
        yield "reading notes"
        come.wait(20)

    def refuse(_vault: Vault) -> tuple[ModelRow, ...]:
        raise UsageError("the versions can't be read")

    monkeypatch.setattr("app.gui.models.models_page.report_model", slowly)
    monkeypatch.setattr("app.gui.models.models_page.list_models", refuse)
    page.measure()
    qtbot.waitUntil(lambda: page.message.text() == "Reading notes.")
    page.measure()
    page.refresh()
    qtbot.waitUntil(lambda: page.message.text() == "The versions can't be read.")
    assert page.stop_button.isVisible()
    assert not any(b.isEnabled() for b in (page.measure_button, page.base_button, page.publish_button))
    come.set()
    settle()
    assert len(begun) == 1
    assert not page.stop_button.isVisible()
    assert page.measure_button.isEnabled()


def test_publishing_is_stopped_while_the_new_version_is_measured(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, come, used = _models_page(window, vault, settle), Event(), []

    def publish(*_asked: object, stop: Event) -> Iterator[str]:
        yield "measuring"
        come.wait(20)
        yield "measuring still"
        used.append(stop)

    monkeypatch.setattr("app.gui.models.models_page.publish_model", publish)
    monkeypatch.setattr("app.gui.models.models_page.waiting_result", lambda _vault: None)
    page.publish()
    qtbot.waitUntil(lambda: page.message.text() == "Measuring.")
    page.stop_button.click()
    come.set()
    settle()
    assert used == []
    assert page.message.text() == "Stopped. The version in use has not changed."


def test_the_knowledge_is_loaded_once_the_window_has_been_drawn_and_not_after_a_lock(
    window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Vault] = []

    def refuse(vault: Vault, _cache: Path, _policy: Policy, _packs: UserPacks) -> Assistant:
        asked.append(vault)
        raise UsageError("the knowledge is damaged; install the program again")

    monkeypatch.setattr("app.gui.shell.workspace.load_assistant", refuse)
    window.take_vault(vault)
    window.release_vault()
    settle()
    assert asked == []
    window.take_vault(vault)
    assert window.workspace is not None
    assert window.workspace.status.knowledge.text() == "Loading knowledge…"
    settle()
    assert asked == [vault]
    window.findChildren(QMessageBox)[0].close()


def test_knowledge_that_can_not_be_loaded_is_told_with_its_remedy(
    window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_vault: Vault, _cache: Path, _policy: Policy, _packs: UserPacks) -> Assistant:
        raise UsageError("the knowledge is damaged; install the program again")

    monkeypatch.setattr("app.gui.shell.workspace.load_assistant", refuse)
    window.take_vault(vault)
    settle()
    (box,) = window.findChildren(QMessageBox)
    box_text = box.informativeText()
    assert box_text == "The knowledge is damaged; install the program again."
    assert window.workspace is not None
    assert window.workspace.status.knowledge.text() == "No knowledge loaded"
    box.close()
    window.workspace.open_patient(MARFAN)
    settle()
    assert window.workspace.patient.note.view.toPlainText() != ""
    assert window.workspace.patient.differential.standing.label.text() == box_text
    assert window.workspace.patient.differential.standing.label.isVisible()

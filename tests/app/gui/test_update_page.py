"""The update page: says why nothing can leave, shows what would, signs with the officer, never without."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from pytestqt.qtbot import QtBot

from app.config.policy import Policy
from app.gui.shell.main_window import MainWindow
from app.gui.update.update_page import UpdatePage
from app.store.header import Role
from app.store.people import add_user
from app.store.vault import Vault
from app.workflows.inspect_update import inspect_update
from app.workflows.review_update import UpdateReview, review_update
from ml.federated.coordinator import new_coordinator
from tests.app.workflows.federated_site import FAST, OFFICER, debit, train_pretended

pytestmark = pytest.mark.slow
Settle = Callable[[], None]


def _page(window: MainWindow, vault: Vault, settle: Settle) -> UpdatePage:
    window.take_vault(vault)
    assert window.workspace is not None
    window.workspace.go("update")
    settle()
    return window.workspace.update


def test_before_any_private_run_the_page_says_what_to_do(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    page = _page(window, vault, settle)
    assert "train and publish one first" in page.text.toPlainText()
    assert not page.sign_button.isEnabled()


def test_a_policy_that_forbids_export_is_named(window: MainWindow, vault: Vault, settle: Settle) -> None:
    window.around = replace(window.around, policy=Policy(export_allowed=False))
    page = _page(window, vault, settle)
    assert "policy does not allow" in page.text.toPlainText()


def test_another_version_is_signed_only_once_it_is_shown(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    debit(vault)
    train_pretended(vault, bias=0.01)
    train_pretended(vault, bias=0.02)
    page, come = _page(window, vault, settle), Event()
    newest, older = (page.version.itemData(row) for row in range(2))

    def late(vault: Vault, *, version_id: str) -> UpdateReview:
        if version_id == older:
            come.wait(20)
        return review_update(vault, version_id=version_id)

    monkeypatch.setattr("app.gui.update.update_page.review_update", late)
    for field, words in ((page.recipient, "age1"), (page.path, "x.fedupdate"), (page.passphrase, OFFICER)):
        field.setText(words)
    assert page.sign_button.isEnabled()
    page.version.setCurrentIndex(1)
    page.version.activated.emit(1)
    assert not page.sign_button.isEnabled()
    page.version.setCurrentIndex(0)
    page.version.activated.emit(0)
    qtbot.waitUntil(page.sign_button.isEnabled)
    come.set()
    settle()
    assert page._review is not None
    assert page._review.version_id == newest


def test_what_is_shown_is_signed_by_the_officer_alone(
    window: MainWindow, vault: Vault, settle: Settle, tmp_path: Path
) -> None:
    add_user(vault, user="olga", passphrase=OFFICER, role=Role.PRIVACY_OFFICER, kdf=FAST)
    debit(vault)
    train_pretended(vault, bias=0.01)
    page = _page(window, vault, settle)
    assert "epsilon 2.5" in page.text.toPlainText()
    assert [page.table.model().index(row, 0).data() for row in range(page.table.rowCount())] == ["head.bias"]
    coordinator, target = new_coordinator(), tmp_path / "hospital.fedupdate"
    page.recipient.setText(coordinator.recipient)
    page.path.setText(str(target))
    page.passphrase.setText("not the officer's")
    page.sign_button.click()
    settle()
    assert "opens no privacy officer's key" in page.message.text()
    assert page.passphrase.text() == ""
    assert not target.exists()
    page.passphrase.setText(OFFICER)
    page.sign_button.click()
    settle()
    assert "is written" in page.message.text()
    lines = inspect_update(target, coordinator.identity)
    assert any("epsilon 2.5" in line for line in lines)
    assert any(e.action == "update-exported" for e in vault.audit_events(20))

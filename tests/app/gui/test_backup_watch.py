"""The window makes the policy's backups by itself, and says so when one fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.config.policy import Policy
from app.gui.about.about_page import policy_rows
from app.gui.shell.main_window import MainWindow
from app.store.check import check_vault
from app.store.vault import Vault
from tests.app.gui.conftest import PASSPHRASE, USER

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
DAYS = ("2026-01-01T08:00:00Z", "2026-01-01T20:00:00Z", "2026-01-02T09:00:00Z")


def test_backups_are_made_when_due_and_a_failure_is_shown_until_one_succeeds(
    qtbot: QtBot, window: MainWindow, vault: Vault, settle: Settle, tmp_path: Path
) -> None:
    days, plan = iter(DAYS), tmp_path / "plan"
    policy = replace(window.around.policy, backup_folder=plan, backup_keep=2)
    window.around = replace(window.around, policy=policy, now=lambda: next(days))
    plan.write_bytes(b"")  # in the folder's place: nothing can be written
    window.take_vault(vault)
    assert window.workspace is not None
    watch, status = window.workspace.backups, window.workspace.status
    watch.check()
    settle()
    assert status.backup.text() == "Backup failed"
    assert "choose a folder" in status.backup.toolTip()
    plan.unlink()
    watch.check()
    settle()
    assert (status.backup.text(), [p.name for p in plan.iterdir()]) == ("", ["clinic.vault-20260101T200000Z"])
    watch.check()  # thirteen hours later: not due
    settle()
    (made,) = plan.iterdir()
    window.lock()
    with Vault.open(made, user=USER, passphrase=PASSPHRASE) as copy:
        assert check_vault(copy).sound
        assert copy.patient_count() == 61


def test_without_a_folder_in_the_policy_nothing_is_watched(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    window.take_vault(vault)
    assert window.workspace is not None
    window.workspace.backups.check()
    settle()
    assert "backup-written" not in {e.action for e in vault.audit_events()}


def test_the_settings_say_what_the_plan_is() -> None:
    assert dict(policy_rows(Policy()))["Backups"].startswith("none")
    told = dict(policy_rows(Policy(backup_folder=Path("/srv/b"), backup_every_h=12)))["Backups"]
    assert told == "every 12 hours into /srv/b, the newest 7 kept"

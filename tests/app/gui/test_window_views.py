"""What is looked at in the window is in the audit log: list and charts once a sitting, each search."""

from collections.abc import Callable

import pytest

from app.clinical.ids import PatientId
from app.gui.shell.main_window import MainWindow
from app.gui.unlock.vault_opening import open_vault
from app.store.vault import Vault
from tests.app.gui.clinic import MARFAN
from tests.app.gui.conftest import PASSPHRASE, USER

pytestmark = pytest.mark.slow
Settle = Callable[[], None]
VIEWS = ("patients-listed", "chart-opened", "notes-searched")


def _looked_at(vault: Vault, since: int) -> list[tuple[str, str, str]]:
    events = (e for e in vault.all_audit_events() if e.sequence > since)
    return [(e.action, e.record_id, e.detail) for e in events if e.action in VIEWS]


def test_list_charts_and_searches_are_noted_once_a_sitting_and_again_in_the_next(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    before = vault.audit_count()
    window.take_vault(vault)
    settle()
    assert window.workspace is not None
    for typed in ("Li", "Lindq", ""):
        window.workspace.patients.search.setText(typed)
        settle()
    for patient in (MARFAN, PatientId("patient-00001"), MARFAN):
        window.workspace.patient.open(patient)
        settle()
    notes = window.workspace.notes
    window.workspace.go("notes")
    for typed in ("ecto", "ectopia", "ectopia wrist", "wrist"):
        notes.search.setText(typed)
        settle()
    looked_at = [
        ("patients-listed", "", "61 patients"),
        ("chart-opened", MARFAN, ""),
        ("chart-opened", "patient-00001", ""),
        ("notes-searched", "", "2 notes"),
        ("notes-searched", "", "1 notes"),
    ]
    assert _looked_at(vault, before) == looked_at
    window.lock()
    settle()
    with Vault.open(vault.path, user=USER, passphrase=PASSPHRASE) as again:
        again.chart(MARFAN)
        assert _looked_at(again, before) == [*looked_at, ("chart-opened", MARFAN, "")]
        told = str([event for event in again.all_audit_events() if event.sequence > before])
        assert not [word for word in ("Lindq", "ectopia", "wrist") if word in told]


def test_a_vault_that_a_run_kept_open_behind_the_lock_is_signed_in_to_anew(vault: Vault) -> None:
    vault.chart(MARFAN)
    before = vault.audit_count()
    assert open_vault(vault.path, USER, PASSPHRASE, kept=vault) is vault
    assert vault.audit_events(limit=1)[0].action == "vault-opened"
    vault.chart(MARFAN)
    assert _looked_at(vault, before) == [("chart-opened", MARFAN, "")]


def test_a_window_that_only_reads_shows_charts_and_leaves_the_log(
    window: MainWindow, vault: Vault, settle: Settle
) -> None:
    before = vault.audit_count()
    vault.close()
    window.take_vault(Vault.open(vault.path, user=USER, passphrase=PASSPHRASE, read_only=True))
    settle()
    assert window.workspace is not None
    window.workspace.patient.open(MARFAN)
    settle()
    opened = window.workspace.patient.opened
    assert opened is not None
    assert opened.chart.patient.id == MARFAN
    window.lock()
    settle()
    with Vault.open(vault.path, user=USER, passphrase=PASSPHRASE, read_only=True) as again:
        assert again.audit_count() == before

"""A backup takes a vault's place whatever became of it, is rehearsed without a trace, and made by plan."""

import os
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.errors import VaultDamaged, VaultError, VaultLocked
from app.store import restoring
from app.store.backup import EPSILON_FLOOR, back_up
from app.store.check import check_vault
from app.store.key_derivation import KdfParameters
from app.store.restoring import rehearse_restore, restore_in_place
from app.store.scheduled_backup import BackupPlan, back_up_by_plan, backups_of, is_due
from app.store.vault import Vault
from ml.privacy.ledger import LedgerEntry
from tests.app.store.disk_states import digest, recorded_states

SECRET = "correct horse battery"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def open_it(path: Path, *, read_only: bool = False) -> Vault:
    return Vault.open(path, user="ann", passphrase=SECRET, read_only=read_only)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("restoring")
    vault, _ = Vault.create(folder / "v", user="ann", passphrase=SECRET, kdf=KdfParameters.fast_for_tests())
    with vault:
        vault.put_records([Patient(PatientId("p-1"), "Ada Sample")], origin="t")
        back_up(vault, folder / "b", passphrase=SECRET)
        vault.append_ledger(LedgerEntry("run", "all", "gaussian", 0.1, 1.0, 1.0, 10, 1e-5, 0.7, "2026"))
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "f"))


def replace_it(folder: Path) -> Path:
    return restore_in_place(folder / "b", folder / "v", user="ann", passphrase=SECRET)


@pytest.mark.parametrize("damage", ["none", "database", "header", "no header"])
def test_a_backup_takes_the_place_of_a_vault_and_nothing_is_removed(folder: Path, damage: str) -> None:
    name = {"database": "vault.db", "header": "header.json", "no header": "header.json"}.get(damage)
    if name is not None:
        (folder / "v" / name).write_bytes(b"x" * 9000)
    if damage == "no header":
        (folder / "v" / "header.json").unlink()
    before = digest(folder / "v")
    aside = replace_it(folder)
    assert digest(aside) == before
    with open_it(folder / "v") as vault:
        assert vault.patient_count() == 1
        assert check_vault(vault).sound
        known = "0.7" if damage in ("none", "database") else "unknown"
        assert vault.setting(EPSILON_FLOOR) == known
    assert {p.name for p in folder.iterdir()} == {"v", "b", "v.replaced-1"}
    assert replace_it(folder).name == "v.replaced-2"


def test_a_vault_in_use_or_a_spoilt_backup_is_left_alone(folder: Path) -> None:
    before = digest(folder / "v")
    with open_it(folder / "v"), pytest.raises(VaultLocked, match="another window"):
        replace_it(folder)
    (folder / "b" / "vault.db").write_bytes((folder / "b" / "vault.db").read_bytes()[:-4096])
    before = digest(folder / "v")
    with pytest.raises(VaultDamaged):
        replace_it(folder)
    assert digest(folder / "v") == before
    with pytest.raises(VaultError, match="can't be replaced"):
        restore_in_place(folder / "b", folder / "nowhere", user="ann", passphrase=SECRET)


def test_a_folder_that_is_no_vault_stays_in_its_place(folder: Path) -> None:
    (folder / "Documents").mkdir()
    (folder / "Documents" / "thesis").write_bytes(b"mine")
    before = digest(folder)
    with pytest.raises(VaultError, match="no part of a vault"):
        restore_in_place(folder / "b", folder / "Documents", user="ann", passphrase=SECRET)
    assert digest(folder) == before


@pytest.mark.slow
def test_a_kill_at_any_file_operation_leaves_one_whole_vault_in_the_place(
    folder: Path, tmp_path: Path
) -> None:
    with recorded_states(folder, tmp_path / "states") as states:
        replace_it(folder)
    for state in states:
        with open_it(state / "v") as vault:
            assert vault.patient_count() == 1
            assert check_vault(vault).sound


def test_a_rehearsal_says_what_would_come_back_and_leaves_no_trace(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    before = digest(folder)
    report = rehearse_restore(folder / "b", user="ann", passphrase=SECRET)
    assert (report.patients, report.notes) == (1, 0)
    assert report.newest.endswith("Z")
    assert digest(folder) == before
    assert list((tmp_path / "scratch").iterdir()) == []
    (folder / "b" / "vault.db").write_bytes((folder / "b" / "vault.db").read_bytes()[:-4096])
    with pytest.raises(VaultDamaged):
        rehearse_restore(folder / "b", user="ann", passphrase=SECRET)


def test_backups_by_plan_come_when_due_and_the_newest_are_kept(folder: Path) -> None:
    plan = BackupPlan(folder / "plan", keep=2, every_h=24)
    (folder / "plan").mkdir()
    shutil.copytree(folder / "b", folder / "plan" / "mine")
    (folder / "plan" / "v-20200101T000000Z").mkdir()  # no backup of this vault: not ours to remove
    with open_it(folder / "v") as vault:
        assert is_due(vault.path, plan, now=NOON)
        for day in range(3):
            back_up_by_plan(vault, plan, passphrase=SECRET, now=NOON + timedelta(days=day))
        assert not is_due(vault.path, plan, now=NOON + timedelta(days=2, hours=23))
        assert is_due(vault.path, plan, now=NOON + timedelta(days=3))
        assert is_due(vault.path, plan, now=NOON - timedelta(days=9))  # a clock that was put back
        assert [kept.made.day for kept in backups_of(vault.path, plan)] == [3, 4]
    kept = {p.name for p in (folder / "plan").iterdir()}
    assert kept == {"mine", "v-20200101T000000Z", "v-20260103T120000Z", "v-20260104T120000Z"}


def test_where_folders_cannot_be_swapped_at_once_a_failure_leaves_the_vault_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, place = tmp_path / "fresh", tmp_path / "place"
    for folder in (fresh, place):
        folder.mkdir()
        (folder / folder.name).touch()
    rename = os.rename

    def failing(old: Path, new: Path) -> None:
        if old == fresh:
            raise OSError("no room")
        rename(old, new)

    monkeypatch.setattr(sys, "platform", "elsewhere")
    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="no room"):
        restoring._exchange(fresh, place)
    assert (place / "place").exists()
    monkeypatch.setattr(os, "rename", rename)
    restoring._exchange(fresh, place)
    assert ((place / "fresh").exists(), (fresh / "place").exists()) == (True, True)

"""A backup without a key: as encrypted as the vault lies, whole, restorable, and never of a vault in use."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked
from app.store import sealed_copy
from app.store.backup import EPSILON_FLOOR, UNKNOWN, restore
from app.store.check import check_vault
from app.store.opening import SEALED_MARK
from app.store.scheduled_backup import BackupPlan, back_up_by_plan, backups_of, copy_by_plan, is_due
from app.store.sealed_copy import copy_sealed
from tests.app.store.disk_states import digest
from tests.app.store.refusal import SCRATCH, SECRET, open_it

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def _made_of(folder: Path) -> dict[str, str]:
    return digest(folder, without=(*SCRATCH, "writer.lock", SEALED_MARK))


@pytest.mark.parametrize("kind", ["path", "stopped"])
def test_a_copy_is_byte_for_byte_the_vault_also_as_a_kill_left_it(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    vault: Path = request.getfixturevalue(kind)
    before = _made_of(vault)
    assert copy_sealed(vault, tmp_path / "copy") == tmp_path / "copy"
    assert _made_of(tmp_path / "copy") == _made_of(vault) == before
    restore(tmp_path / "copy", tmp_path / "new", user="ann", passphrase=SECRET, replacing=vault)
    with open_it(tmp_path / "new") as again:
        assert check_vault(again).sound
        assert again.patient_count() == 1
        assert again.setting(EPSILON_FLOOR) == UNKNOWN  # the vault might be that very copy
        assert again.setting("s4") == ("x" * 500 if kind == "stopped" else None)


def test_a_copy_is_only_read_until_it_is_restored(path: Path, tmp_path: Path) -> None:
    copy_sealed(path, tmp_path / "copy")
    with open_it(tmp_path / "copy") as copy:
        assert "restore it first" in str(copy.read_only_because)
        assert check_vault(copy).sound
    restore(tmp_path / "copy", tmp_path / "new", user="ann", passphrase=SECRET)
    with open_it(tmp_path / "new") as again:
        assert not again.read_only


def test_a_vault_in_use_is_not_copied_and_nothing_is_left(path: Path, tmp_path: Path) -> None:
    with open_it(path), pytest.raises(VaultLocked, match="in use"):
        copy_sealed(path, tmp_path / "copy")
    assert {p.name for p in tmp_path.iterdir()} == {"v"}


def test_what_is_no_vault_or_is_there_already_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(VaultDamaged, match="there is no folder"):
        copy_sealed(tmp_path / "none", tmp_path / "copy")
    with pytest.raises(UsageError, match="there already"):
        copy_sealed(path, path)
    with pytest.raises(UsageError, match="inside"):
        copy_sealed(path, path / "copy")


def test_a_link_out_of_the_vault_is_refused(path: Path, tmp_path: Path) -> None:
    (path / "models" / "elsewhere").symlink_to("/etc/hostname")
    with pytest.raises(VaultDamaged, match="link"):
        copy_sealed(path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_copy_that_differs_is_refused(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(source: Path, target: Path, **how: Any) -> Path:
        made: Path = shutil.copytree(source, target, **how)
        (target / "vault.db").write_bytes((source / "vault.db").read_bytes()[:-1])
        return made

    monkeypatch.setattr(sealed_copy, "shutil", SimpleNamespace(copytree=torn))
    with pytest.raises(VaultDamaged, match="not what was copied"):
        copy_sealed(path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_folder_that_cannot_be_written_is_said(path: Path, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_bytes(b"")
    with pytest.raises(VaultError, match="could not be written"):
        copy_sealed(path, tmp_path / "blocked" / "copy")


def test_sealed_copies_never_drive_out_verified_backups(path: Path, tmp_path: Path) -> None:
    plan = BackupPlan(tmp_path / "plan", keep=2, every_h=24)
    with open_it(path) as vault:
        back_up_by_plan(vault, plan, now=NOON)
    for day in range(1, 4):
        assert is_due(path, plan, now=NOON + timedelta(days=day))
        copy_by_plan(path, plan, now=NOON + timedelta(days=day))
        assert not is_due(path, plan, now=NOON + timedelta(days=day, hours=23))
    assert [(kept.made.day, kept.sealed) for kept in backups_of(path, plan)] == [
        *((2, False), (4, True), (5, True)),
    ]

"""Backups by a plan: into one folder, when they are due, the newest N of each kind kept.

Two kinds: of an open vault, verified by its key; and sealed copies of a closed one, made without a key.
A sealed copy never drives out a verified backup.
"""

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.config.policy import Policy
from app.errors import VaultError
from app.store.backup import back_up
from app.store.header import read_header
from app.store.sealed_copy import copy_sealed
from app.store.vault import Vault

_TIME = "%Y%m%dT%H%M%SZ"
_SEALED = "-sealed"


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """Where backups go, how many of each kind are kept, and how many hours may lie between two."""

    folder: Path
    keep: int
    every_h: int


def plan_of(policy: Policy) -> BackupPlan | None:
    """What IT has decided; None where it names no folder."""
    if policy.backup_folder is None:
        return None
    return BackupPlan(policy.backup_folder, policy.backup_keep, policy.backup_every_h)


@dataclass(frozen=True, slots=True, order=True)
class KeptBackup:
    """One backup of a vault; `sealed` where it was made without a key."""

    made: datetime
    path: Path
    sealed: bool


def is_due(vault: Path, plan: BackupPlan, *, now: datetime) -> bool:
    """Whether the newest backup is too old; one from the future (a clock was changed) doesn't count."""
    past = [kept.made for kept in backups_of(vault, plan) if kept.made <= now]
    return not past or now - max(past) >= timedelta(hours=plan.every_h)


def back_up_by_plan(vault: Vault, plan: BackupPlan, *, now: datetime, passphrase: str | None = None) -> Path:
    """Write a verified backup under its time, then remove the oldest beyond the number to keep."""
    target = back_up(vault, _target(vault.path, plan, now), passphrase=passphrase)
    _remove_oldest(vault.path, plan, sealed=False, but=target)
    return target


def copy_by_plan(vault: Path, plan: BackupPlan, *, now: datetime) -> Path:
    """The same for a closed vault without a key: a sealed copy."""
    target = copy_sealed(vault, _target(vault, plan, now, ending=_SEALED))
    _remove_oldest(vault, plan, sealed=True, but=target)
    return target


def backups_of(vault: Path, plan: BackupPlan) -> list[KeptBackup]:
    """This very vault's backups in the plan's folder, oldest first; nobody else's folder counts."""
    pattern = re.compile(re.escape(vault.name) + rf"-(\d{{8}}T\d{{6}}Z)({_SEALED})?")
    vault_id = read_header(vault).vault_id
    found: list[KeptBackup] = []
    for path in sorted(plan.folder.iterdir()) if plan.folder.is_dir() else ():
        named = pattern.fullmatch(path.name)
        if named is None or path.is_symlink() or not path.is_dir():
            continue
        with suppress(VaultError, ValueError):
            made = datetime.strptime(named[1], _TIME).replace(tzinfo=UTC)
            if read_header(path).vault_id == vault_id:
                found.append(KeptBackup(made, path, named[2] is not None))
    return sorted(found)


def _target(vault: Path, plan: BackupPlan, now: datetime, *, ending: str = "") -> Path:
    return plan.folder / f"{vault.name}-{now.astimezone(UTC).strftime(_TIME)}{ending}"


def _remove_oldest(vault: Path, plan: BackupPlan, *, sealed: bool, but: Path) -> None:
    kind = [kept.path for kept in backups_of(vault, plan) if kept.sealed is sealed]
    for old in kind[: -plan.keep]:
        if old != but:
            shutil.rmtree(old, ignore_errors=True)

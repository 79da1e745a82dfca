"""Backups by a plan: into one folder, when they are due, the newest N kept."""

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.errors import VaultError
from app.store.backup import back_up
from app.store.header import read_header
from app.store.vault import Vault

_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """Where backups go, how many are kept, and how many hours may lie between two."""

    folder: Path
    keep: int
    every_h: int


def is_due(vault: Vault, plan: BackupPlan, *, now: datetime) -> bool:
    """Whether the newest backup is too old; one from the future (a clock was changed) doesn't count."""
    past = [made for made, _ in backups_of(vault, plan) if made <= now]
    return not past or now - max(past) >= timedelta(hours=plan.every_h)


def back_up_by_plan(vault: Vault, plan: BackupPlan, *, passphrase: str, now: datetime) -> Path:
    """Write a verified backup under its time, then remove the oldest beyond the number to keep."""
    target = plan.folder / f"{vault.path.name}-{now.astimezone(UTC).strftime(_TIME)}"
    back_up(vault, target, passphrase=passphrase)
    for _, old in backups_of(vault, plan)[: -plan.keep]:
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
    return target


def backups_of(vault: Vault, plan: BackupPlan) -> list[tuple[datetime, Path]]:
    """This very vault's backups in the plan's folder, oldest first; nobody else's folder counts."""
    pattern = re.compile(re.escape(vault.path.name) + r"-(\d{8}T\d{6}Z)")
    vault_id = read_header(vault.path).vault_id
    found: list[tuple[datetime, Path]] = []
    for path in sorted(plan.folder.iterdir()) if plan.folder.is_dir() else ():
        named = pattern.fullmatch(path.name)
        if named is None or path.is_symlink() or not path.is_dir():
            continue
        with suppress(VaultError, ValueError):
            made = datetime.strptime(named[1], _TIME).replace(tzinfo=UTC)
            if read_header(path).vault_id == vault_id:
                found.append((made, path))
    return sorted(found)

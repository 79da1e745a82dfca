"""Puts a backup in a vault's place, and rehearses that without touching anything."""

import ctypes
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from app.errors import VaultDamaged, VaultError
from app.store.backup import restore
from app.store.check import check_vault
from app.store.database import NAME as DATABASE_NAME
from app.store.durable_file import reason_of, sync_folder
from app.store.header import NAME as HEADER_NAME
from app.store.vault import Vault
from app.store.writer_lock import WriterLock

_PARTS = (HEADER_NAME, DATABASE_NAME, "anchor.0", "anchor.1")
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)


@dataclass(frozen=True, slots=True)
class DrillReport:
    """What a rehearsed restore brought back; `newest` is when its last event happened."""

    patients: int
    notes: int
    audit_events: int
    newest: str


def restore_in_place(backup: Path, path: Path, *, user: str, passphrase: str) -> Path:
    """Put a backup in the place of a vault, however damaged; gives the folder that now holds the old one.

    At least one of its files must be there, lest any folder be taken for a vault. Nothing is removed, and
    what was spent stays spent: the old vault's anchor says it, else it is unknown.
    """
    if not any(os.path.lexists(path / name) for name in _PARTS):
        raise VaultError(f"{path} can't be replaced: it holds no part of a vault; restore into a new folder")
    try:
        lock = WriterLock(path)
    except OSError as error:
        raise VaultError(
            f"{path} can't be replaced ({reason_of(error)}); restore into a new folder"
        ) from error
    try:
        aside = next(
            p for n in count(1) if not os.path.lexists(p := path.with_name(f"{path.name}.replaced-{n}"))
        )
        replacing = path if (path / HEADER_NAME).exists() else None
        restore(backup, aside, user=user, passphrase=passphrase, replacing=replacing)
        _exchange(aside, path)
        sync_folder(path.parent)
    except OSError as error:
        raise VaultError(
            f"{path} can't be replaced ({reason_of(error)}); restore into a new folder"
        ) from error
    finally:
        lock.release()
    return aside


def rehearse_restore(backup: Path, *, user: str, passphrase: str) -> DrillReport:
    """Restore a backup for a moment, open it, read everything. Raises VaultDamaged where it is not sound.

    What is written meanwhile is as encrypted as the backup, and removed.
    """
    with tempfile.TemporaryDirectory(prefix="anamnesis-drill-") as folder:
        restore(backup, Path(folder) / "restored", user=user, passphrase=passphrase)
        with Vault.open(Path(folder) / "restored", user=user, passphrase=passphrase, read_only=True) as vault:
            report = check_vault(vault, sealed_files=True)
            if not report.sound:
                raise VaultDamaged(f"the backup can't be relied on ({report.problems[0]}); make a new one")
            notes = vault.session().rows("SELECT count(*) FROM note")[0][0]
            before = [e.at for e in vault.audit_events(limit=50) if not e.action.startswith(_OF_THE_DRILL)]
            return DrillReport(vault.patient_count(), notes, report.audit_events, before[0] if before else "")


_OF_THE_DRILL = ("vault-opened", "restored-", "setting-")


def _exchange(fresh: Path, place: Path) -> None:
    """Swap two folders: at once where the system can, else one after the other."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            swap = ctypes.CDLL(None, use_errno=True).renameat2
            if swap(_HERE, os.fsencode(fresh), _HERE, os.fsencode(place), _EXCHANGE) == 0:
                return
    between = place.with_name(f"{place.name}.leaving")
    os.rename(place, between)
    try:
        os.rename(fresh, place)
    except OSError:
        os.rename(between, place)
        raise
    os.rename(between, fresh)

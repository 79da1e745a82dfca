"""A backup made without any key: the closed vault's files, as encrypted as they lie, compared byte by byte.

For a scheduled job of IT, which holds no key. What the files hold is not looked at: rehearse the restore
(`rehearse_restore`) with someone who may open them.
"""

import hashlib
import shutil
from pathlib import Path

from app.errors import VaultDamaged, VaultError, VaultLocked
from app.store.backup import new_folder, refuse_links
from app.store.durable_file import reason_of
from app.store.header import read_header
from app.store.opening import SEALED_MARK
from app.store.writer_lock import NAME as LOCK
from app.store.writer_lock import WriterLock

_PASSING = (LOCK, "vault.db-shm")


def copy_sealed(path: Path, target: Path) -> Path:
    """Copy a vault that nobody has open for writing. Raises VaultLocked, VaultError, UsageError."""
    read_header(path)
    try:
        lock = WriterLock(path)
    except VaultLocked as error:
        raise VaultLocked(
            "the vault is in use; its window makes the backups of the policy meanwhile"
        ) from error
    except OSError as error:
        raise VaultError(
            f"{path} can't be locked for a copy ({reason_of(error)}); run this as its owner"
        ) from error
    try:
        with new_folder(target, "backup", outside=path) as partial:
            shutil.copytree(path, partial, dirs_exist_ok=True, symlinks=True, ignore=_left_out)
            partial.chmod(0o700)
            if _digests(path) != _digests(partial):
                raise VaultDamaged("the copy is not what was copied; look at the disk, then try again")
            (partial / SEALED_MARK).touch(mode=0o600)
    finally:
        lock.release()
    return target


def _left_out(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in _PASSING]


def _digests(folder: Path) -> dict[str, str]:
    """Each file's SHA-256 by its name below the folder; a link is refused."""
    refuse_links(folder)
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in _PASSING and not path.name.startswith("being-written"):
            with path.open("rb") as stream:
                found[path.relative_to(folder).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found

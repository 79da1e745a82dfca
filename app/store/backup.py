"""Encrypted backups: a consistent copy of the database under the same key, verified after writing.

A backup is a folder like a vault, without the writer's lock. Restoring makes a new vault and never
gives privacy budget back: the restored vault's epsilon floor is what the replaced vault's anchor
says was spent, or "unknown" where that vault is gone, and then training is refused until the
privacy officer declares what was spent.
"""

import os
import shutil
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from app.errors import UsageError, VaultDamaged, VaultError
from app.store.anchor import AnchorFile
from app.store.check import check_vault
from app.store.database import NAME
from app.store.durable_file import sync_folder, write_durably
from app.store.header import NAME as HEADER_NAME
from app.store.header import read_header
from app.store.key_derivation import subkey
from app.store.vault import Vault

EPSILON_FLOOR = "privacy.epsilon_floor"
UNKNOWN = "unknown"


def back_up(vault: Vault, target: Path, *, passphrase: str) -> Path:
    """Copy the open vault into a new folder and open the copy once to verify it."""
    if target.exists():
        raise UsageError(f"{target} is there already; choose a new folder for the backup")
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        _copy_database(vault, partial / NAME)
        for name in (HEADER_NAME, "anchor.0", "anchor.1"):
            if (vault.path / name).exists():
                write_durably(partial / name, (vault.path / name).read_bytes())
        shutil.copytree(vault.models_dir, partial / "models", dirs_exist_ok=True)
        _verify(partial, user=vault.user, passphrase=passphrase)
        os.replace(partial, target)
        sync_folder(target.parent)
    except OSError as error:
        raise VaultError(
            f"the backup could not be written ({error.strerror}); free space and try again"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    vault.audit("backup-written")
    return target


def restore(backup: Path, target: Path, *, user: str, passphrase: str, replacing: Path | None = None) -> None:
    """Make a new vault from a backup, verified; `replacing` is the vault whose budget it takes over."""
    if target.exists():
        raise UsageError(f"{target} is there already; restore into a new folder")
    read_header(backup)
    _verify(backup, user=user, passphrase=passphrase)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(backup, partial)
    try:
        with Vault.open(partial, user=user, passphrase=passphrase) as vault:
            vault.set_setting(EPSILON_FLOOR, _floor(vault, replacing))
            vault.audit("restored-from-backup")
        os.replace(partial, target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _floor(vault: Vault, replacing: Path | None) -> str:
    if replacing is None:
        return UNKNOWN
    if read_header(replacing).vault_id != read_header(vault.path).vault_id:
        raise UsageError(f"{replacing} is another vault than the one this backup was made of")
    anchor = AnchorFile(replacing, vault.data_key()).read()
    return UNKNOWN if anchor is None else repr(anchor.epsilon_spent)


def _copy_database(vault: Vault, path: Path) -> None:
    """SQLite's online backup: a consistent copy while the vault stays open."""
    copy = sqlcipher.connect(str(path), isolation_level=None)
    try:
        copy.execute(f"PRAGMA key = \"x'{subkey(vault.data_key(), 'database').hex()}'\"")
        vault.session().connection().backup(copy)
    finally:
        copy.close()
    path.chmod(0o600)


def _verify(folder: Path, *, user: str, passphrase: str) -> None:
    with Vault.open(folder, user=user, passphrase=passphrase, read_only=True) as copy:
        report = check_vault(copy)
    if not report.sound:
        raise VaultDamaged(f"the backup {folder} is not sound ({report.problems[0]}); use another one")

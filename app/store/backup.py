"""Encrypted backups: a consistent copy of the database under the same key, verified after writing.

A backup is a folder like a vault, without the writer's lock, and its anchor says that it is a backup:
it opens read-only, lest its ledger, which is of its moment, be spent from. Restoring makes a new vault
and never gives privacy budget back: the restored vault's epsilon floor is what the replaced vault's
anchor says was spent, or "unknown" where that vault is gone, and then training is refused until the
privacy officer declares what was spent.
"""

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked
from app.store.anchor import EPSILON_FLOOR as EPSILON_FLOOR
from app.store.anchor import UNKNOWN as UNKNOWN
from app.store.anchor import Anchor, AnchorFile
from app.store.check import check_vault
from app.store.database import NAME, DatabaseError, connect, new_file
from app.store.durable_file import reason_of, sync_folder, sync_tree, write_durably
from app.store.header import NAME as HEADER_NAME
from app.store.header import read_header, unlock
from app.store.key_derivation import subkey
from app.store.opening import SEALED_MARK, look_with_key, make_session
from app.store.session import FORMER_TWINS
from app.store.vault import Vault
from app.store.writer_lock import WriterLock

LINK = "the vault's folder holds a link to another place; put the file itself there"
_OPENINGS = 1  # commits that the opening of a restored vault has added to the backup's
_BUSY = "being-written.lock"  # held as long as its process lives
_PARTIAL = re.compile(r"\..+\.[0-9a-f]{32}\.partial")


def back_up(vault: Vault, target: Path, *, passphrase: str | None = None) -> Path:
    """Copy the open vault into a new folder and open the copy once to verify it, by the vault's own key.

    A `passphrase`, where one is at hand, must open the copy too.
    Others may go on writing: the copy is one moment of the database, with an anchor of its own. A vault
    that opens read-only because its anchor disagrees can be backed up too: it is the way out.
    """
    with new_folder(target, "backup", outside=vault.path) as partial:
        _copy_database(vault, partial)
        write_durably(partial / HEADER_NAME, (vault.path / HEADER_NAME).read_bytes())
        (partial / "models").mkdir(mode=0o700)
        if vault.models_dir.is_symlink():
            raise VaultDamaged(LINK)
        if vault.models_dir.is_dir():
            shutil.copytree(vault.models_dir, partial / "models", dirs_exist_ok=True, symlinks=True)
        refuse_links(partial)
        if passphrase is not None:
            unlock(read_header(partial), vault.user, passphrase)
        clock = vault.session().now
        opened = look_with_key(partial, vault.data_key(), user=vault.user, clock=clock)
        _refuse_unsound(Vault(partial, opened), partial)
        if not vault.read_only:
            vault.audit("backup-written")  # no backup lies anywhere that the log doesn't know of
    return target


def restore(backup: Path, target: Path, *, user: str, passphrase: str, replacing: Path | None = None) -> None:
    """Make a new vault from a backup, verified; `replacing` is the vault whose budget it takes over."""
    if not os.path.lexists(backup / HEADER_NAME):
        raise UsageError(f"{backup} holds no backup; name a folder that `anamnesis vault backup` wrote")
    read_header(backup)
    with new_folder(target, "restored vault", outside=backup) as partial:
        data_key = _verify(backup, user=user, passphrase=passphrase)
        shutil.copytree(backup, partial, dirs_exist_ok=True, symlinks=True)
        refuse_links(partial)
        partial.chmod(0o700)
        _anchor_as_vault(partial, data_key)
        with Vault.open(partial, user=user, passphrase=passphrase) as vault:
            floor = _floor(vault, replacing, user=user, passphrase=passphrase)
            detail = f"epsilon floor {floor}"
            vault.set_setting(EPSILON_FLOOR, floor, action="restored-from-backup", detail=detail)


def refuse_links(folder: Path) -> None:
    """Raise VaultDamaged for a link below a folder: it may lead anywhere, and no copy follows it."""
    if any(path.is_symlink() for path in folder.rglob("*")):
        raise VaultDamaged(LINK)


@contextmanager
def new_folder(target: Path, what: str, *, outside: Path) -> Iterator[Path]:
    """A folder that appears whole, synced, or not at all."""
    if os.path.lexists(target):
        raise UsageError(f"{target} is there already; choose a new folder for the {what}")
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}.partial")
    busy = None
    try:
        if target.resolve().is_relative_to(outside.resolve()):
            raise UsageError(f"{target} lies inside {outside}; choose a folder outside it")
        _remove_abandoned(target.parent)
        partial.mkdir(parents=True, mode=0o700)
        busy = WriterLock(partial, _BUSY)
        yield partial
        sync_tree(partial)
        os.rename(partial, target)
        sync_folder(target.parent)
        with suppress(OSError):  # it is whole and in its place
            (target / _BUSY).unlink()
    except (OSError, shutil.Error, *DatabaseError) as error:
        reason = "a file can't be copied" if isinstance(error, shutil.Error) else reason_of(error)
        raise VaultError(
            f"the {what} could not be written ({reason}); choose a folder with free space that you may write"
        ) from error
    finally:
        if busy is not None:
            busy.release()
        shutil.rmtree(partial, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    """Half-made folders whose process was killed: they'd keep for ever what is erased one day."""
    for path in folder.glob(".*.partial"):
        if _PARTIAL.fullmatch(path.name) and (path / _BUSY).is_file() and not path.is_symlink():
            with suppress(VaultLocked, OSError):
                WriterLock(path, _BUSY).release()
                shutil.rmtree(path)


def _floor(vault: Vault, replacing: Path | None, *, user: str, passphrase: str) -> str:
    """The larger of what the replaced vault and the backup say was spent; unknown where one can't say."""
    here = vault.session().present_anchor()
    if replacing is None:
        return UNKNOWN
    replaced = _anchor_of(replacing, vault, user=user, passphrase=passphrase)
    if replaced is None or replaced.epsilon_spent is None or here.epsilon_spent is None:
        return UNKNOWN
    if replaced.sequence == here.sequence - _OPENINGS:
        return UNKNOWN  # the same state, as after a sealed copy; or that very copy, named for the vault
    if replaced.sequence < here.sequence:
        raise UsageError(f"{replacing} is not newer than the backup; name the vault that was last in use")
    return repr(max(replaced.epsilon_spent, here.epsilon_spent))


def _anchor_of(folder: Path, vault: Vault, *, user: str, passphrase: str) -> Anchor | None:
    """The newest anchor of the vault that is replaced; None where it is lost, or a backup's."""
    try:
        header = read_header(folder)
    except VaultDamaged:
        if (folder / HEADER_NAME).exists():
            return None  # damaged: what was spent can't be told any more
        raise
    if header.vault_id != read_header(vault.path).vault_id:
        raise UsageError(f"{folder} is another vault than the one this backup was made of")
    if os.path.lexists(folder / SEALED_MARK):
        return None
    keys = [vault.data_key()]
    with suppress(VaultLocked):  # her passphrase was changed since: the backup's key still reads the anchor
        found = unlock(header, user, passphrase)
        keys += [key for key in (found.current, found.following) if key is not None]
    files = [AnchorFile(folder, key) for key in keys]
    newest = max((a for f in files if (a := f.read()) is not None), key=lambda a: a.sequence, default=None)
    is_copy = (newest is not None and newest.is_backup) or any(f.are_former_twins() for f in files)
    return None if is_copy else newest


def _copy_database(vault: Vault, folder: Path) -> None:
    """SQLite's online backup of one moment, while the vault stays open; anchored by what was copied."""
    key = subkey(vault.data_key(), "database")
    source = connect(vault.path / NAME, key, read_only=True)
    copy = new_file(folder / NAME, key)
    session = make_session(
        copy, folder, user=vault.user, data_key=vault.data_key(), clock=vault.session().now
    )
    try:
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(copy)
        session.anchor_anew(is_backup=True)
    finally:
        source.close()
        session.close()


def _anchor_as_vault(folder: Path, data_key: bytes) -> None:
    """Take the mark of a backup from its copy."""
    anchors = AnchorFile(folder, data_key)
    anchor = anchors.read()
    if anchor is not None and (anchor.is_backup or anchors.are_former_twins()):
        anchors.write_both(replace(anchor, is_backup=False))
    (folder / SEALED_MARK).unlink(missing_ok=True)


def _verify(folder: Path, *, user: str, passphrase: str) -> bytes:
    """The backup's data key. Raises VaultDamaged where it is not sound."""
    copy = Vault.open(folder, user=user, passphrase=passphrase, read_only=True)
    data_key = copy.data_key()
    _refuse_unsound(copy, folder)
    return data_key


def _refuse_unsound(copy: Vault, folder: Path) -> None:
    with copy:
        problems = [p for p in check_vault(copy).problems if FORMER_TWINS not in p]
    if problems:
        raise VaultDamaged(f"the backup {folder.name} is not sound ({problems[0]}); use another one")

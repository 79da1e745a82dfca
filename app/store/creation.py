"""Makes a new vault's folder: whole, or as it was before."""

import os
import shutil
import sys
import uuid
from pathlib import Path

from app.errors import UsageError, VaultError
from app.store.clock import Clock
from app.store.database import NAME, DatabaseError, create_database
from app.store.durable_file import reason_of, sync_folder
from app.store.header import RECOVERY, Header, KeySlot, Role, make_slot, write_header
from app.store.key_derivation import KEY_BYTES, KdfParameters, subkey
from app.store.opening import OpenedVault, make_session
from app.store.place_holder import PlaceHolder
from app.store.recovery_words import words_for
from app.store.user_names import refuse_unclear_name
from app.store.writer_lock import WriterLock
from ml.privacy.core_dumps import forbid_core_dumps


def create_folder(
    path: Path, *, user: str, passphrase: str, kdf: KdfParameters, clock: Clock
) -> tuple[OpenedVault, str]:
    """A new vault, open, and its recovery words. Raises UsageError, VaultError; leaves nothing then."""
    _check_free(path)
    refuse_unclear_name(user)
    forbid_core_dumps()
    data_key, vault_id, words = os.urandom(KEY_BYTES), str(uuid.uuid4()), words_for(os.urandom(16))
    slots = tuple(
        make_slot(data_key, vault_id=vault_id, user=name, role=role, passphrase=secret, kdf=kdf)
        for name, role, secret in ((user, Role.CLINICIAN, passphrase), (RECOVERY, Role.RECOVERY, words))
    )
    try:
        was_there = path.is_dir()
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        (path / "models").mkdir(mode=0o700)  # fails where another process makes a vault here right now
        try:
            return _fill(path, slots, vault_id, data_key, user=user, clock=clock), words
        except BaseException:
            _clear(path, keep_folder=was_there)
            raise
    except (OSError, *DatabaseError) as error:
        raise VaultError(
            f"{path} can't be made ({reason_of(error)}); choose a folder with free space that you may write"
        ) from error


def _check_free(path: Path) -> None:
    try:
        taken = os.path.lexists(path) and (not path.is_dir() or any(path.iterdir()))
    except OSError as error:
        raise VaultError(f"{path} can't be looked into ({error.strerror}); choose another folder") from error
    if taken:
        raise UsageError(f"{path} is there already; choose a new folder for the vault")


def _fill(
    path: Path, slots: tuple[KeySlot, ...], vault_id: str, data_key: bytes, *, user: str, clock: Clock
) -> OpenedVault:
    path.chmod(0o700)
    sync_folder(path.parent)
    lock = WriterLock(path)
    connection = None
    try:
        connection = create_database(path / NAME, subkey(data_key, "database"))
        session = make_session(connection, path, user=user, data_key=data_key, clock=clock)
        session.anchor_anew()
        with session.transaction("vault-created"):
            pass
        write_header(path, Header(vault_id, slots), data_key)  # last: without it there is no vault
    except BaseException:
        if connection is not None:
            connection.close()
        lock.release()
        raise
    lock.tell(PlaceHolder.this_process(sys.argv, user=user, since=clock()))
    return OpenedVault(data_key, None, Role.CLINICIAN, session, lock)


def _clear(path: Path, *, keep_folder: bool) -> None:
    """Take away what was made; a folder that was there stays, empty as it was."""
    for made in path.iterdir() if path.is_dir() else ():
        if made.is_dir():
            shutil.rmtree(made, ignore_errors=True)
        else:
            made.unlink(missing_ok=True)
    if not keep_folder:
        shutil.rmtree(path, ignore_errors=True)

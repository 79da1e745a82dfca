"""Opens a vault's folder: header, writer's place, a change of key that was begun, database, anchor.

Everything is looked at read-only first, so that a vault that is refused, or opens read-only because
database and anchor disagree, keeps every byte.
"""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from app.errors import VaultError, VaultLocked
from app.store.anchor import AnchorFile
from app.store.attempt_throttle import unlock_throttled
from app.store.audit_chain import AuditChain
from app.store.clock import Clock
from app.store.database import NAME, Connection, DatabaseError, connect, open_database, refusal
from app.store.header import Header, Role, UnlockedKeys, read_header, unlock, verified_header
from app.store.key_change import finish, key_in_force, remove_next_database, take_back
from app.store.key_derivation import subkey
from app.store.network_share import on_network_share
from app.store.place_holder import PlaceHolder
from app.store.session import IS_BACKUP, Session
from app.store.writer_lock import WriterLock
from ml.privacy.core_dumps import forbid_core_dumps

SEALED_MARK = "sealed-copy"  # a file beside a copy that was made without a key
ASKED_READ_ONLY = "the vault was opened read-only; open it for writing"


@dataclass(frozen=True, slots=True, repr=False)
class OpenedVault:
    """What an opening gives. `former_key` is set while a change of key waits for a writer."""

    data_key: bytes
    former_key: bytes | None
    role: Role
    session: Session
    lock: WriterLock | None


def open_folder(path: Path, *, user: str, passphrase: str, read_only: bool, clock: Clock) -> OpenedVault:
    """Open an existing vault. Raises VaultLocked, VaultDamaged, VaultTooNew, VaultError."""
    header = read_header(path)
    keys = unlock_throttled(header, user, passphrase)
    forbid_core_dumps()
    lock = None
    try:
        lock = _place(path, read_only=read_only)
        header_now = read_header(path)
        if header_now != header:  # another writer was there between the reading and the lock
            header, keys = header_now, unlock(header_now, user, passphrase)
        opened = _look(path, header, keys, user=user, clock=clock, may_write=not read_only)
        if read_only or opened.session.read_only_because is not None:
            return replace(_only_reading(opened), lock=lock)
        opened.session.close()
        header = _settled(path, header, keys, opened.data_key)
        session = _for_writing(path, user=user, data_key=opened.data_key, clock=clock)
        if lock is not None:
            lock.tell(PlaceHolder.this_process(sys.argv, user=user, since=clock()))
        return OpenedVault(opened.data_key, None, _role(header, user), session, lock)
    except BaseException as error:
        if lock is not None:
            lock.release()
        said = _said(error, path)
        if said is error:
            raise
        raise said from error


def _place(path: Path, *, read_only: bool) -> WriterLock | None:
    """The writer's place; on a network share a reader takes it too, where it may write a lock at all."""
    if not read_only:
        return WriterLock(path)
    try:
        return WriterLock(path) if on_network_share(path) else None
    except OSError:
        return None


def look_with_key(path: Path, data_key: bytes, *, user: str, clock: Clock) -> OpenedVault:
    """Open a copy read-only by the key of the vault it was made of. Raises as `open_folder` does."""
    header = verified_header(path, data_key)
    try:
        opened = _look(path, header, UnlockedKeys(data_key), user=user, clock=clock, may_write=False)
    except (OSError, *DatabaseError) as error:
        raise _said(error, path) from error
    return _only_reading(opened)


def make_session(connection: Connection, path: Path, *, user: str, data_key: bytes, clock: Clock) -> Session:
    """A session over a connection, with the anchor and audit keys of a data key."""
    anchors = AnchorFile(path, data_key)
    return Session(connection, user=user, anchors=anchors, chain=AuditChain(data_key), clock=clock)


def _look(
    path: Path, header: Header, keys: UnlockedKeys, *, user: str, clock: Clock, may_write: bool
) -> OpenedVault:
    """Open read-only and compare with the anchor; nothing is written, but a torn journal is undone."""
    if may_write and (path / f"{NAME}-journal").exists():
        _undo_journal(path, keys)
    key = key_in_force(path, keys) if header.next_slots else keys.current
    assert key is not None
    connection = open_database(path / NAME, subkey(key, "database"), read_only=True)
    anchors = AnchorFile(path, key, being_changed=bool(header.next_slots))
    session = Session(connection, user=user, anchors=anchors, chain=AuditChain(key), clock=clock)
    try:
        mark = IS_BACKUP if os.path.lexists(path / SEALED_MARK) else None
        session.read_only_because = session.conflict() or mark
    except BaseException:
        connection.close()
        raise
    return OpenedVault(key, keys.current if key != keys.current else None, _role(header, user), session, None)


def _only_reading(opened: OpenedVault) -> OpenedVault:
    if opened.session.read_only_because is None:
        opened.session.read_only_because = ASKED_READ_ONLY
    return opened


def _settled(path: Path, header: Header, keys: UnlockedKeys, key: bytes) -> Header:
    """A change of key that was begun is finished where the new key is in force, else taken back."""
    if not header.next_slots:
        remove_next_database(path)
        return header
    assert keys.current is not None
    if key == keys.following:
        return finish(path, header, old_key=keys.current, new_key=key)
    return take_back(path, header, keys.current)


def _for_writing(path: Path, *, user: str, data_key: bytes, clock: Clock) -> Session:
    connection = open_database(path / NAME, subkey(data_key, "database"), read_only=False)
    session = make_session(connection, path, user=user, data_key=data_key, clock=clock)
    try:
        session.settle_anchor()
    except BaseException:
        connection.close()
        raise
    return session


def _role(header: Header, user: str) -> Role:
    slot = header.slot(user) or replace(header, slots=header.next_slots).slot(user)
    if slot is None:
        raise VaultLocked("this user was not taken along by the change of key; ask a colleague to add you")
    return slot.role


def _undo_journal(path: Path, keys: UnlockedKeys) -> None:
    for key in (keys.current, keys.following):
        if key is not None:
            with suppress(*DatabaseError):
                connect(path / NAME, subkey(key, "database"), read_only=False).close()


def _said(error: BaseException, path: Path) -> BaseException:
    """What the system refused, in the words of the program; anything else as it is."""
    if isinstance(error, DatabaseError):
        return refusal(path / NAME, error)
    if isinstance(error, OSError):
        return VaultError(
            f"{path} can't be opened for writing ({error.strerror}); open it read-only, or ask IT for access"
        )
    return error

"""Gives a vault a new data key, so that keys and copies that someone took along are worth nothing.

First phase: a copy of the database under the new key, checked. Second phase: header with both keys,
the copy takes the database's place, files are sealed anew, header with the new key alone. A stop at
any point leaves a vault that opens with all rows (`key_change.py` says how it is settled).

Whoever is to keep her access types her passphrase: nothing that a removed colleague may hold is
trusted to carry the new key to anyone. The others are named, to be added again.
"""

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from app.errors import UsageError, VaultDamaged, VaultError, VaultLocked, WrongPassphrase
from app.store.anchor import AnchorFile
from app.store.attempt_throttle import unlock_throttled
from app.store.audit_chain import REKEYED, AuditChain, key_change
from app.store.check import check_vault
from app.store.database import NAME, Connection, DatabaseError, new_file
from app.store.durable_file import reason_of, sync_folder
from app.store.header import (
    RECOVERY,
    Header,
    KeySlot,
    Role,
    bridge,
    remade_slot,
    verified_header,
    write_header,
)
from app.store.key_change import NEXT_DATABASE, finish, remove_next_database
from app.store.key_derivation import KEY_BYTES, normalised, subkey
from app.store.recovery_words import words_for
from app.store.rights import Right
from app.store.session import Session
from app.store.vault import Vault

_TABLES = (
    *("patient", "record", "superseded", "note", "note_in_error", "annotation_event", "diagnosis"),
    *("ledger_entry", "setting"),
)
_LOOK_EVERY = 10_000  # instructions of SQLite's between two looks whether somebody gave up, some ms
_PAGES_AT_ONCE = 4_096  # of a copy; some 50 ms
Stopped = Callable[[], bool]


class RekeyStep(StrEnum):
    """What is under way before the new recovery words can be shown."""

    CHECKING = "checking every page of the vault"
    COPYING = "copying every record under the new key"
    COMPARING = "checking the copy"


@dataclass(frozen=True, slots=True, repr=False)
class KeyChange:
    """A new key, ready but not in force: show the words, then `commit`; `close` alone changes nothing."""

    vault: Vault
    header: Header
    new_key: bytes
    recovery_words: str
    must_be_added_again: tuple[str, ...]

    def commit(self) -> None:
        """Put the new key in force, and close the vault."""
        path, old_key = self.vault.path, self.vault.data_key()
        try:
            write_header(path, self.header, old_key, next_key=self.new_key)
            self.vault.session().close()
            os.replace(path / NEXT_DATABASE, path / NAME)  # the point of no return
            sync_folder(path)
            finish(path, self.header, old_key=old_key, new_key=self.new_key)
        except (OSError, *DatabaseError) as error:
            raise VaultError(
                f"the change of key stopped ({reason_of(error)}); it is settled when the vault is opened next"
            ) from error
        finally:
            self.vault.close()

    def close(self) -> None:
        """Give up what was not committed."""
        if not self.vault.closed:
            _forget_copy(self.vault)
            self.vault.close()


class GivenUp(Exception):
    """Somebody has stopped the first phase in the middle of a step; nothing was changed."""


def rekey_steps(
    vault: Vault, *, passphrase: str, keep: Mapping[str, str], stopped: Stopped = lambda: False
) -> Generator[RekeyStep, None, KeyChange]:
    """The first phase, on a vault open for writing; `keep` maps other users to their passphrases.

    A step is named before it is done; who closes the generator there has changed nothing. In a step
    `stopped` is asked, by this thread, some times a second. Raises GivenUp, VaultLocked (a passphrase is
    wrong, or another window reads), VaultDamaged (not sound).
    """
    header = proven_header(vault, passphrase=passphrase, keep=keep)
    _refuse_unsound(vault.read_only_because)
    yield RekeyStep.CHECKING
    with _heeding(stopped, vault.session().connection()):
        problems = check_vault(vault).problems
    _refuse_unsound(*problems)
    new_key, words = os.urandom(KEY_BYTES), words_for(os.urandom(16))
    slots = _new_slots(header, new_key, {**keep, vault.user: passphrase, RECOVERY: words})
    try:
        yield from _copy_under(vault, new_key, stopped)
    except BaseException as error:
        _forget_copy(vault)
        if isinstance(error, (OSError, *DatabaseError)):
            raise VaultError(
                f"the copy under the new key could not be written ({reason_of(error)}); free space, try again"
            ) from error
        raise
    after = replace(header, next_slots=slots, bridge=bridge(vault.data_key(), new_key))
    kept = {slot.user for slot in slots}
    left_out = tuple(s.user for s in header.slots if s.user not in kept)
    return KeyChange(vault, after, new_key, words, left_out)


def proven_header(vault: Vault, *, passphrase: str, keep: Mapping[str, str]) -> Header:
    """The header, once every passphrase has opened its slot. Raises PolicyError, UsageError, VaultLocked."""
    vault.require(Right.PEOPLE)
    header = verified_header(vault.path, vault.data_key())
    for user, secret in {**keep, vault.user: passphrase}.items():
        if header.slot(user) is None:
            raise UsageError("there is no such user in this vault; see `anamnesis vault status`")
        try:
            unlock_throttled(header, user, secret)
        except WrongPassphrase as error:
            raise WrongPassphrase(f"the passphrase of {user} is wrong; type it again") from error
    return header


def _refuse_unsound(*problems: str | None) -> None:
    for problem in problems:
        if problem is not None:
            raise VaultDamaged(f"this vault is not sound ({problem})")


def _new_slots(header: Header, new_key: bytes, secrets: Mapping[str, str]) -> tuple[KeySlot, ...]:
    by_name = {normalised(user): secret for user, secret in secrets.items()}
    return tuple(
        slot
        if slot.role is Role.ADMINISTRATOR  # it wraps no key
        else remade_slot(slot, new_key, vault_id=header.vault_id, passphrase=by_name[slot.user])
        for slot in header.slots
        if slot.user in by_name or slot.role is Role.ADMINISTRATOR
    )


@contextmanager
def _heeding(stopped: Stopped, *connections: Connection) -> Iterator[None]:
    """Statements on these connections end early once `stopped` says so. Raises GivenUp then."""
    for connection in connections:
        connection.set_progress_handler(stopped, _LOOK_EVERY)
    try:
        yield
    except (VaultError, *DatabaseError):  # "interrupted", or what a check makes of it
        if not stopped():
            raise
    finally:
        for connection in connections:
            connection.set_progress_handler(None, 0)
    _heed(stopped)


def _copy_under(vault: Vault, new_key: bytes, stopped: Stopped) -> Iterator[RekeyStep]:
    """The whole database under the new key, with the event that hands the audit chain over; checked."""
    yield RekeyStep.COPYING
    remove_next_database(vault.path)
    old, session = vault.session().connection(), vault.session()
    _alone(old)
    copy = new_file(vault.path / NEXT_DATABASE, subkey(new_key, "database"))
    try:
        old.backup(copy, pages=_PAGES_AT_ONCE, progress=lambda *_: _heed(stopped))
        anchors = AnchorFile(vault.path, new_key, being_changed=True)
        handing = Session(copy, user=vault.user, anchors=anchors, chain=session.chain, clock=session.now)
        with handing.transaction(REKEYED, detail=key_change(session.chain, AuditChain(new_key))):
            pass
        yield RekeyStep.COMPARING
        with _heeding(stopped, old, copy):
            _check_copy(old, copy)
    finally:
        copy.close()
    sync_folder(vault.path)


def _heed(stopped: Stopped) -> None:
    if stopped():
        raise GivenUp


def _forget_copy(vault: Vault) -> None:
    """Where even that can't be written, the next who opens for writing removes it."""
    with suppress(OSError):
        remove_next_database(vault.path)


def _alone(connection: Connection) -> None:
    """Hold the file alone and without a write-ahead log, which would outlive it under its name."""
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except DatabaseError as error:
        raise VaultLocked("another window or process reads this vault; close it first") from error


def _check_copy(old: Connection, copy: Connection) -> None:
    for table in _TABLES:
        counts = {c.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for c in (old, copy)}
        if len(counts) != 1:
            raise VaultDamaged(f"the copy under the new key lacks rows of {table}; nothing was changed")
    for pragma, sound in (("cipher_integrity_check", []), ("integrity_check", [("ok",)])):
        if [tuple(row) for row in copy.execute(f"PRAGMA {pragma}").fetchall()] != sound:
            raise VaultDamaged("the copy under the new key is not sound; nothing was changed")

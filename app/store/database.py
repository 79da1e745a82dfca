"""Opens the SQLCipher file with a raw key and brings its schema up to date.

Looking never writes: a vault is first opened read-only, and only then for writing. A cleanly closed
database is one file, without a write-ahead log.
"""

import functools
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlcipher

from app.errors import VaultDamaged, VaultError, VaultTooNew
from app.store.character_pairs import character_pairs
from app.store.durable_file import reason_of, sync_folder

NAME = "vault.db"
_NOTES_IN_ERROR = 6  # the schema that brought them
PAGES_KIB = 64 << 10  # deciphered at most: a search's ranking reads all over one table of a million notes
# What proves a page whole. New files and copies take the first: today's processors compute it by themselves,
# and a page costs a third less. SQLCipher's own is the second; files made with it open as before.
PAGE_MACS = ("HMAC_SHA256", "HMAC_SHA512")
INTERRUPTED = sqlcipher.SQLITE_INTERRUPT  # a statement was asked to stop
Connection = Any  # sqlcipher3 ships no types
# SQLCipher reports some unreadable pages as a lack of memory.
DatabaseError: tuple[type[Exception], type[MemoryError]] = (sqlcipher.DatabaseError, MemoryError)


def create_database(path: Path, key: bytes) -> Connection:
    """A new, empty database with the newest schema, readable by its owner alone."""
    connection = new_file(path, key)
    connection.execute("PRAGMA journal_mode = WAL")
    migrate(connection)
    return connection


def new_file(path: Path, key: bytes) -> Connection:
    """A new, empty file under a key, without a schema."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    sync_folder(path.parent)
    return _connect(path, key, PAGE_MACS[0], read_only=False)


def open_database(path: Path, key: bytes, *, read_only: bool) -> Connection:
    """An existing database. Raises VaultDamaged, VaultTooNew; never creates a file."""
    check_present(path)
    try:
        connection = connect(path, key, read_only=read_only)
    except DatabaseError as error:
        raise refusal(path, error, read_only=read_only) from error
    try:
        _bring_up(connection, path, key, read_only=read_only)
    except BaseException as error:
        connection.close()
        if isinstance(error, DatabaseError):
            raise refusal(path, error, read_only=read_only) from error
        raise
    return connection


def check_present(path: Path) -> None:
    """Raise VaultDamaged where the file is missing or empty, which any key would seem to open."""
    if path.is_symlink():  # a change of key would leave the old database where the link leads
        raise VaultDamaged(f"{path} is a link to another place; put the database itself into its vault")
    if not path.is_file() or path.stat().st_size == 0:
        raise VaultDamaged(f"the database of {path.parent} is missing or empty; restore it from a backup")


def close_database(connection: Connection, *, read_only: bool) -> None:
    """Close; the last writer folds the write-ahead log in, so that one file is left."""
    if not read_only:
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("PRAGMA journal_mode = DELETE")
        except DatabaseError:
            pass  # someone still reads: the log stays, as safe as before
    connection.close()


@functools.cache
def migrations() -> tuple[str, ...]:
    """The numbered SQL scripts, oldest first; script n brings schema n - 1 to n."""
    scripts = [f for f in files("app.store.migrations").iterdir() if f.name.endswith(".sql")]
    return tuple(f.read_text(encoding="utf-8") for f in sorted(scripts, key=lambda f: f.name))


def migrate(connection: Connection) -> None:
    """Apply the missing migrations, each in one transaction."""
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    add_functions(connection)
    for number, script in enumerate(migrations()[done:], start=done + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def add_functions(connection: Connection) -> None:
    """What our SQL calls that SQLite doesn't have."""
    connection.create_function("character_pairs", 1, character_pairs, deterministic=True)


def connect(path: Path, key: bytes, *, read_only: bool) -> Connection:
    """A hardened connection under a key. Raises DatabaseError where the key does not open the file."""
    try:
        return _connect(path, key, PAGE_MACS[0], read_only=read_only)
    except sqlcipher.DatabaseError as error:
        if error.sqlite_errorcode != sqlcipher.SQLITE_NOTADB:
            raise
    return _connect(path, key, PAGE_MACS[1], read_only=read_only)


def _connect(path: Path, key: bytes, mac: str, *, read_only: bool) -> Connection:
    connection = sqlcipher.connect(
        _uri(path, read_only=read_only), uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")  # else a wrong key writes to stderr
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute(f"PRAGMA cipher_hmac_algorithm = {mac}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        harden(connection)
        add_functions(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _uri(path: Path, *, read_only: bool) -> str:
    """On read-only media SQLite can't place its shared memory beside the file: say that nothing moves."""
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}"
    unmoving = read_only and not os.access(path.parent, os.W_OK)
    return uri + ("&immutable=1" if unmoving and not path.with_name(path.name + "-wal").exists() else "")


def remove_former_schemas(folder: Path) -> None:
    """Remove the copies from before a migration: they hold what was erased, or open with a former key."""
    for copy in folder.glob(f"{NAME}.schema-*"):
        copy.unlink()


def _keep_former(connection: Connection, path: Path, key: bytes, version: int) -> None:
    """A copy under the same key, whole or absent, beside the database."""
    copy, draft = path.with_name(f"{NAME}.schema-{version}"), path.with_name(f"{NAME}.former")
    draft.unlink(missing_ok=True)
    former = new_file(draft, key)
    try:
        connection.backup(former)
    finally:
        former.close()
    os.replace(draft, copy)
    sync_folder(path.parent)


def _bring_up(connection: Connection, path: Path, key: bytes, *, read_only: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    newest = len(migrations())
    if version > newest:
        raise VaultTooNew("this vault was written by a newer version of the program; update the program")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        if version < newest:
            _keep_former(connection, path, key, version)
            migrate(connection)
    elif version < _NOTES_IN_ERROR:  # read as it is: nothing was entered in error yet
        connection.execute(
            "CREATE TEMP TABLE note_in_error (number INTEGER PRIMARY KEY, reason, marked_by, marked_at)"
        )


def harden(connection: Connection) -> None:
    """The settings of every connection; the vault's benchmark gives them to plain SQLite too."""
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{PAGES_KIB}")
    if connection.execute("PRAGMA temp_store").fetchone()[0] != 2:
        raise VaultDamaged(
            "this SQLCipher would write temporary data in the clear; install the program again"
        )


def refusal(path: Path, error: Exception, *, read_only: bool = True) -> VaultError:
    """What the database refused at opening, in the words of the program."""
    text = reason_of(error)
    closed_to_us = "readonly" in text or "unable to open" in text
    if closed_to_us and not read_only:
        return VaultError(
            f"{path.parent} can't be opened for writing ({text}); open it read-only, or ask IT for access"
        )
    if closed_to_us:
        return VaultDamaged(
            f"the database of {path.parent} was not closed cleanly and can't be recovered read-only; "
            "open it once for writing, in a folder that can be written"
        )
    if any(word in text for word in ("disk I/O", "full", "locked", "no memory")):
        return VaultError(
            f"the database of {path.parent} can't be reached ({text}); free or mend the disk, then try again"
        )
    return VaultDamaged(
        f"the database of {path.parent} was cut, altered or exchanged; restore it from a backup"
    )

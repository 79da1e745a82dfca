"""Opens the SQLCipher file with a raw key and brings its schema up to date.

Looking never writes: a vault is first opened read-only, and only then for writing. A cleanly closed
database is one file, without a write-ahead log.
"""

import os
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlcipher

from app.errors import VaultDamaged, VaultTooNew
from app.store.durable_file import sync_folder

NAME = "vault.db"
Connection = Any  # sqlcipher3 ships no types
DatabaseError: type[Exception] = sqlcipher.DatabaseError


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
    return connect(path, key, read_only=False)


def open_database(path: Path, key: bytes, *, read_only: bool) -> Connection:
    """An existing database. Raises VaultDamaged, VaultTooNew; never creates a file."""
    check_present(path)
    try:
        connection = connect(path, key, read_only=read_only)
    except DatabaseError as error:
        raise VaultDamaged(_spoilt(path, error)) from error
    try:
        _bring_up(connection, read_only=read_only)
    except BaseException as error:
        connection.close()
        if isinstance(error, DatabaseError):
            raise VaultDamaged(_spoilt(path, error)) from error
        raise
    return connection


def check_present(path: Path) -> None:
    """Raise VaultDamaged where the file is missing or empty, which any key would seem to open."""
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


def migrations() -> list[str]:
    """The numbered SQL scripts, oldest first; script n brings schema n - 1 to n."""
    scripts = [f for f in files("app.store.migrations").iterdir() if f.name.endswith(".sql")]
    return [f.read_text(encoding="utf-8") for f in sorted(scripts, key=lambda f: f.name)]


def migrate(connection: Connection) -> None:
    """Apply the missing migrations, each in one transaction."""
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(migrations()[done:], start=done + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def connect(path: Path, key: bytes, *, read_only: bool) -> Connection:
    """A hardened connection under a key. Raises DatabaseError where the key does not open the file."""
    connection = sqlcipher.connect(
        _uri(path, read_only=read_only), uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")  # else a wrong key writes to stderr
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _harden(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _uri(path: Path, *, read_only: bool) -> str:
    """On read-only media SQLite can't place its shared memory beside the file: say that nothing moves."""
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}"
    unmoving = read_only and not os.access(path.parent, os.W_OK)
    return uri + ("&immutable=1" if unmoving and not path.with_name(path.name + "-wal").exists() else "")


def _bring_up(connection: Connection, *, read_only: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    newest = len(migrations())
    if version > newest:
        raise VaultTooNew("this vault was written by a newer version of the program; update the program")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        if version < newest:
            migrate(connection)


def _harden(connection: Connection) -> None:
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA temp_store = MEMORY")
    if connection.execute("PRAGMA temp_store").fetchone()[0] != 2:
        raise VaultDamaged(
            "this SQLCipher would write temporary data in the clear; install the program again"
        )


def _spoilt(path: Path, error: Exception) -> str:
    if "readonly" in str(error) or "unable to open" in str(error):
        return (
            f"the database of {path.parent} was not closed cleanly and can't be recovered read-only; "
            "open it once for writing, in a folder that can be written"
        )
    return f"the database of {path.parent} was cut, altered or exchanged; restore it from a backup"

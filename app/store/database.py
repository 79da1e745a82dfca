"""Opens the SQLCipher file with a raw key and brings its schema up to date."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlcipher3 import dbapi2 as sqlcipher

from app.errors import VaultDamaged, VaultTooNew

NAME = "vault.db"
Connection = Any  # sqlcipher3 ships no types
DatabaseError: type[Exception] = sqlcipher.DatabaseError


def create_database(folder: Path, key: bytes) -> Connection:
    """A new, empty database with the newest schema."""
    connection = _connect(folder / NAME, key, read_only=False)
    migrate(connection)
    return connection


def open_database(folder: Path, key: bytes, *, read_only: bool) -> Connection:
    """An existing database. Raises VaultDamaged, VaultTooNew; never creates a file."""
    path = folder / NAME
    if not path.is_file() or path.stat().st_size == 0:
        raise VaultDamaged(f"the database of {folder} is missing or empty; restore it from a backup")
    try:
        connection = _connect(path, key, read_only=read_only)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except DatabaseError as error:
        raise VaultDamaged(
            f"the database of {folder} was cut, altered or exchanged; restore it from a backup"
        ) from error
    newest = len(migrations())
    if version > newest:
        connection.close()
        raise VaultTooNew("this vault was written by a newer version of the program; update the program")
    if version < newest and not read_only:
        migrate(connection)
    return connection


def migrations() -> list[str]:
    """The numbered SQL scripts, oldest first; script n brings schema n - 1 to n."""
    scripts = [f for f in files("app.store.migrations").iterdir() if f.name.endswith(".sql")]
    return [f.read_text(encoding="utf-8") for f in sorted(scripts, key=lambda f: f.name)]


def migrate(connection: Connection) -> None:
    """Apply the missing migrations, each in one transaction."""
    done = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, script in enumerate(migrations()[done:], start=done + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")


def _connect(path: Path, key: bytes, *, read_only: bool) -> Connection:
    mode = "ro" if read_only else "rwc"
    connection = sqlcipher.connect(
        f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        _harden(connection, read_only=read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def _harden(connection: Connection, *, read_only: bool) -> None:
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "trusted_schema = OFF", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("PRAGMA temp_store = MEMORY")
    if connection.execute("PRAGMA temp_store").fetchone()[0] != 2:
        raise VaultDamaged(
            "this SQLCipher would write temporary data in the clear; install the program again"
        )

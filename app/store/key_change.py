"""A change of the data key that was begun: take it back, or finish it.

The point of no return is the rename of the database. Before it the new key has opened nothing and
the change is taken back; after it the change is finished. Either way each file opens with exactly
one of the two keys, and both lie wrapped in the header until the last file has opened with the new.
"""

import os
from dataclasses import replace
from pathlib import Path

from app.errors import VaultDamaged, VaultLocked
from app.store.anchor import AnchorFile
from app.store.database import NAME, DatabaseError, check_present, connect, remove_former_schemas
from app.store.durable_file import sync_folder, write_durably
from app.store.header import Header, UnlockedKeys, write_header
from app.store.key_derivation import subkey
from app.store.sealing import purpose_of, seal, unseal

NEXT_DATABASE = "vault.db.rekey"
NEXT_ANCHOR = "anchor.next"
_DRAFT = "model.rekey"


def key_in_force(folder: Path, keys: UnlockedKeys) -> bytes:
    """The key that opens the database. Raises VaultLocked, VaultDamaged where none of them does."""
    check_present(folder / NAME)
    for key in (keys.following, keys.current):
        if key is not None and _opens(folder / NAME, key):
            return key
    if keys.following is None:
        raise VaultLocked(
            "the vault's key was changed, and this user was not taken along; ask a colleague to add you again"
        )
    raise VaultDamaged(f"the database of {folder} was cut, altered or exchanged; restore it from a backup")


def take_back(folder: Path, header: Header, old_key: bytes) -> Header:
    """The header as it was before the change, once more the only one."""
    remove_next_database(folder)
    settled = replace(header, next_slots=(), bridge="", next_mac="")
    write_header(folder, settled, old_key)
    return settled


def finish(folder: Path, header: Header, *, old_key: bytes, new_key: bytes) -> Header:
    """Seal the files anew and leave the new key alone in the header. May be done again after a stop."""
    AnchorFile(folder, new_key).adopt_next()
    reseal_files(folder, old_key=old_key, new_key=new_key)
    remove_former_schemas(folder)
    settled = replace(header, slots=header.next_slots, next_slots=(), bridge="", next_mac="")
    write_header(folder, settled, new_key)
    return settled


def remove_next_database(folder: Path) -> None:
    """Remove a half-made database under a new key, and its anchor."""
    endings = ("", "-journal", "-wal", "-shm")
    for name in (NEXT_ANCHOR, *(NEXT_DATABASE + ending for ending in endings)):
        (folder / name).unlink(missing_ok=True)


def reseal_files(folder: Path, *, old_key: bytes, new_key: bytes) -> None:
    """Every sealed file below `models`, under the new key; those that are so already stay."""
    for path in sorted((folder / "models").rglob("*")):
        if path.is_file() and not path.is_symlink():
            _reseal(path, folder / _DRAFT, old_key=old_key, new_key=new_key)
    (folder / _DRAFT).unlink(missing_ok=True)
    sync_folder(folder)


def _reseal(path: Path, draft: Path, *, old_key: bytes, new_key: bytes) -> None:
    sealed, times = path.read_bytes(), path.stat()
    purpose = purpose_of(sealed)
    if purpose is None or _unseals(new_key, purpose, sealed) is not None:
        return
    content = _unseals(old_key, purpose, sealed)
    if content is None:  # damaged before the change: left as it is, and said when it is read
        return
    write_durably(path, seal(new_key, purpose, content), fresh=draft)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _unseals(key: bytes, purpose: str, sealed: bytes) -> bytes | None:
    try:
        return unseal(key, purpose, sealed)
    except VaultDamaged:
        return None


def _opens(path: Path, key: bytes) -> bool:
    try:
        connect(path, subkey(key, "database"), read_only=True).close()
    except DatabaseError:
        return False
    return True

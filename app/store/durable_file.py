"""Writes a small file whole or not at all: a new file, fsync, rename, fsync of the folder."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

_WAYS = ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY")  # not every system has each
_NEITHER_WAIT_NOR_FOLLOW = sum(getattr(os, way, 0) for way in _WAYS)


def write_durably(path: Path, data: bytes, *, fresh: Path | None = None) -> None:
    """Replace a file's content so that a crash leaves the old content or the new one.

    `fresh` is where the new content is written first, on the same file system.
    """
    draft = fresh or path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    try:
        with open(open_to_write(draft, os.O_WRONLY | os.O_EXCL), "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)  # on a full disk half a file is in the way of all others
        raise
    sync_folder(path.parent)


def open_to_write(path: Path, how: int) -> int:
    """A handle on a plain file, made where it is absent; what lies behind a link is left as it is.

    `how` are flags of os.open. Raises OSError.
    """
    if os.path.islink(path):  # where the system has no O_NOFOLLOW
        raise OSError(errno.ELOOP, "a link to another place lies under its name", str(path))
    handle = os.open(path, how | os.O_CREAT | _NEITHER_WAIT_NOR_FOLLOW, 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "no plain file lies under its name", str(path))
    return handle


def read_regular(path: Path, *, largest: int) -> bytes:
    """A plain file's bytes; a link, pipe, device or folder under its name is refused, not waited for.

    Raises OSError; ValueError where it is no plain file or larger than `largest`.
    """
    handle = os.open(path, os.O_RDONLY | _NEITHER_WAIT_NOR_FOLLOW)
    with open(handle, "rb") as stream:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_size > largest:
            raise ValueError(f"{path.name} is no plain file of at most {largest} bytes")
        return stream.read()


def reason_of(error: BaseException) -> str:
    """Why the system or the database refused, in its own few words."""
    return getattr(error, "strerror", None) or str(error) or "no memory, or a part can't be read"


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable (a no-op where folders can't be synced)."""
    if os.name == "nt":
        return
    _sync(folder)


def sync_tree(folder: Path) -> None:
    """Make every file and name below a folder durable."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() or os.name != "nt":
            _sync(path)
    sync_folder(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

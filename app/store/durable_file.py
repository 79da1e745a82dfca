"""Writes a small file whole or not at all: a new file, fsync, rename, fsync of the folder."""

import os
from pathlib import Path


def write_durably(path: Path, data: bytes, *, fresh: Path | None = None) -> None:
    """Replace a file's content so that a crash leaves the old content or the new one.

    `fresh` is where the new content is written first, on the same file system.
    """
    draft = fresh or path.with_name(path.name + ".new")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(draft, path)
    sync_folder(path.parent)


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

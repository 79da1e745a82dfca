"""Keeps what can be worked out again: written whole or not at all, and said where it is found damaged.

What can't be written only costs time. Nobody trusts what is kept: each kind of file has a checksum.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

Content = TypeVar("Content")


def keep(path: Path, data: bytes) -> None:
    """Put `data` under `path`. A full disk or closed folder is no error, and leaves no half of it behind."""
    try:
        handle, draft = tempfile.mkstemp(dir=path.parent)
    except OSError:
        return
    try:
        with open(handle, "wb") as stream:
            stream.write(data)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)


def kept(path: Path, read: Callable[[Path], Content | None]) -> Content | None:
    """What `read` finds under `path`; None where nothing lies there, or, which is said, nothing whole.

    `read` gives None for what is damaged, or raises OSError.
    """
    try:
        found = read(path)
    except FileNotFoundError:
        return None
    except OSError:
        found = None
    if found is None:
        _say_damaged(path)
    return found


def _say_damaged(path: Path) -> None:
    import logging  # not needed by a start that finds everything whole

    logging.getLogger(__name__).warning(
        "%s, which the program keeps to start faster, is damaged or can't be read; it is made anew", path.name
    )

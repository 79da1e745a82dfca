"""Writes what can be worked out again: whole or not at all, and what can't be written only costs time."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


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

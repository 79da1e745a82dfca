"""One writer: an operating-system lock that a dead process gives back by itself."""

import os
import sys
from pathlib import Path

from app.errors import VaultLocked

NAME = "writer.lock"


class WriterLock:
    """Holds the writer's place of a vault until released."""

    def __init__(self, folder: Path, name: str = NAME):
        """Take the place. Raises VaultLocked where another window or process has it."""
        self._handle = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._handle)
        except OSError as error:
            os.close(self._handle)
            self._handle = -1
            raise VaultLocked(
                "the vault is open for writing in another window or process; close that one first, "
                "or open it read-only (on a network share: close every other one, also readers)"
            ) from error

    def release(self) -> None:
        """Give the place back; calling it again does nothing."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

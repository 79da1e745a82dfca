"""One writer: an operating-system lock that a dead process gives back by itself."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from app.errors import VaultLocked
from app.store.durable_file import open_to_write
from app.store.place_holder import PlaceHolder, read_holder

NAME = "writer.lock"
_LOCKED_AT = 1 << 20  # on Windows a locked byte can't be read: one behind all that is told


class WriterLock:
    """Holds the writer's place of a vault until released."""

    def __init__(self, folder: Path, name: str = NAME):
        """Take the place. Raises VaultLocked where another window or process has it."""
        self._handle = open_to_write(folder / name, os.O_RDWR)
        try:
            _lock(self._handle)
        except OSError as error:
            other = read_holder(self._handle)
            os.close(self._handle)
            self._handle = -1
            raise VaultLocked(_refusal(other)) from error
        self.holder: PlaceHolder | None = None

    def tell(self, holder: PlaceHolder) -> None:
        """Say to those who find the place taken who has it."""
        self.holder = holder
        self._write(holder.to_bytes())

    def release(self) -> None:
        """Give the place back; calling it again does nothing."""
        if self._handle >= 0:
            if self.holder is not None:
                self._write(b"")
            os.close(self._handle)
            self._handle = -1

    def _write(self, told: bytes) -> None:
        with suppress(OSError):  # a disk that is full or broken keeps nobody from the place
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, told)


def _refusal(other: PlaceHolder | None) -> str:
    who = "" if other is None else f" ({other.told()})"
    return (
        f"the vault is open for writing in another window or process{who}; let that one end or close it, "
        "or open the vault read-only (on a network share: close every other one, also readers)"
    )


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _LOCKED_AT, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

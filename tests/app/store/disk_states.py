"""Every state that a folder passes through on disk while something runs, as a kill would leave it.

Python reports each file operation to audit hooks just before it happens; a copy is taken then. What
SQLCipher writes happens between two of them, in files that only later operations bring into force.
"""

import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WATCHED = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.utime", "os.chmod"}
_watchers: list[Callable[[], None]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watchers and event in _WATCHED and (event != "open" or _writes(arguments)):
        watcher = _watchers.pop()  # not while the watcher itself copies files
        try:
            watcher()
        finally:
            _watchers.append(watcher)


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode, flags = arguments[1], arguments[2]
    return any(c in (mode or "") for c in "wax+") or bool(flags & 0o3)


sys.addaudithook(_hook)


@contextmanager
def recorded_states(folder: Path, into: Path) -> Iterator[list[Path]]:
    """Copies of the folder before each file operation inside the block, and after the last."""
    states: list[Path] = []

    def take() -> None:
        state = into / f"state-{len(states)}"
        if not states or digest(folder) != digest(states[-1]):
            states.append(Path(shutil.copytree(folder, state)))

    _watchers.append(take)
    try:
        yield states
    finally:
        _watchers.clear()
        take()


def digest(folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Each file below a folder with the hash of its content."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in without
    }

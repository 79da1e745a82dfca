"""Finds the running workers of this process in /proc; a thread or a process may end while one looks."""

from contextlib import suppress
from pathlib import Path


def running_workers(verb: bytes) -> list[int]:
    """The ids of this process's children that are workers of a kind."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        children: list[str] = []
        with suppress(FileNotFoundError, ProcessLookupError):
            children = (task / "children").read_text("ascii").split()
        for pid in children:
            with suppress(FileNotFoundError, ProcessLookupError):
                if b"\0worker\0%b\0" % verb in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found.append(int(pid))
    return found

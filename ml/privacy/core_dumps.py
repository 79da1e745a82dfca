"""Keeps a crash from writing a process's memory to disk: patients' texts must not lie there unsealed."""

import sys


def forbid_core_dumps() -> None:
    """No core file for this process, whatever the system's default; on Windows there is none to forbid."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

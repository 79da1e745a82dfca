"""Keeps the memory of a process with keys or patients' texts out of core dumps and other processes' reach."""

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """No core file from now on; on Linux, no other process of this user may read this one's memory either."""
    if sys.platform == "win32":
        return  # dumps are the system's there: IT switches off Windows Error Reporting
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

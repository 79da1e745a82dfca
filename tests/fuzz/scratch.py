"""A folder of this process for what a target must have on disk, in memory where the system can."""

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path


def scratch_file(name: str) -> Path:
    """A path of that name."""
    return _folder(os.getpid()) / name


@functools.cache
def _folder(_pid: int) -> Path:
    shared = Path("/dev/shm")
    made = tempfile.mkdtemp(prefix="fuzz-", dir=shared if shared.is_dir() else None)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)

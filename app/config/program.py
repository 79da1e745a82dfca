"""How this program starts a copy of itself, from source and from a package."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

TRAINER_VARIABLE = "ANAMNESIS_TRAINER"


def is_packaged() -> bool:
    """Whether this is the frozen program of a package, not a checkout."""
    return bool(getattr(sys, "frozen", False))


def program_command(*arguments: str) -> list[str]:
    """The command line that runs a verb of this very program."""
    if is_packaged():
        return [sys.executable, *arguments]
    return [sys.executable, "-m", "app", *arguments]


def worker_command(name: str) -> list[str]:
    """The command line of a torch worker (`train`, `export`, ...).

    In a package the light program has no torch; its workers live in a second executable,
    installed beside it in `../trainer/` or named by ANAMNESIS_TRAINER.
    """
    if not is_packaged():
        return [sys.executable, "-m", "app", "worker", name]
    trainer = _packaged_trainer()
    return [sys.executable if trainer is None else trainer, "worker", name]


def worker_environment() -> dict[str, str]:
    """The environment of a torch worker: glibc keeps what a layer frees, for the next layer to use.

    Otherwise the same pages are faulted in layer after layer (mallopt(3)); the demo's two sites took
    an eighth longer. A worker ends soon, and its memory with it.
    """
    keep = str(2**30)
    return {"MALLOC_MMAP_THRESHOLD_": keep, "MALLOC_TRIM_THRESHOLD_": keep, **os.environ}


def trainer_is_installed() -> bool:
    """Whether the workers can be started here at all; nothing is imported to find out."""
    return _packaged_trainer() is not None if is_packaged() else find_spec("torch") is not None


def _packaged_trainer() -> str | None:
    beside = Path(sys.executable).resolve().parent.parent / "trainer" / "anamnesis-trainer"
    return os.environ.get(TRAINER_VARIABLE) or (str(beside) if beside.exists() else None)

"""How this program starts a copy of itself, from source and from a package."""

import os
import sys
from collections.abc import MutableMapping
from importlib.util import find_spec
from pathlib import Path

TRAINER_VARIABLE = "ANAMNESIS_TRAINER"
_BLAS_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


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


def multiply_on_one_core(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have numpy's OpenBLAS start no threads, unless a person said how many; of use before numpy is there.

    A diagnosis multiplies little at a time: threads wait for each other longer than they work, most where
    other programs run, and between two products they spin.
    """
    if not any(environment.get(name) for name in _BLAS_THREADS):
        environment[_BLAS_THREADS[0]] = "1"


def trainer_is_installed() -> bool:
    """Whether the workers can be started here at all; nothing is imported to find out."""
    return _packaged_trainer() is not None if is_packaged() else find_spec("torch") is not None


def _packaged_trainer() -> str | None:
    beside = Path(sys.executable).resolve().parent.parent / "trainer" / "anamnesis-trainer"
    return os.environ.get(TRAINER_VARIABLE) or (str(beside) if beside.exists() else None)

"""How this program starts a copy of itself, from source and from a package."""

import os
import sys
from pathlib import Path

TRAINER_VARIABLE = "ANAMNESIS_TRAINER"


def program_command(*arguments: str) -> list[str]:
    """The command line that runs a verb of this very program."""
    if getattr(sys, "frozen", False):
        return [sys.executable, *arguments]
    return [sys.executable, "-m", "app", *arguments]


def worker_command(name: str) -> list[str]:
    """The command line of a torch worker (`train`, `export`, ...).

    In a package the light program has no torch; its workers live in a second executable,
    installed beside it in `../trainer/` or named by ANAMNESIS_TRAINER.
    """
    if not getattr(sys, "frozen", False):
        return [sys.executable, "-m", "app", "worker", name]
    beside = Path(sys.executable).resolve().parent.parent / "trainer" / "anamnesis-trainer"
    trainer = os.environ.get(TRAINER_VARIABLE) or (str(beside) if beside.exists() else sys.executable)
    return [trainer, "worker", name]

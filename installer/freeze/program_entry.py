"""The packaged program starts here: verbs that need torch go to the trainer, all others run at once."""

import multiprocessing
import os
import sys
from pathlib import Path

NEEDS_TORCH = (
    ("worker",),
    ("build-model",),
    ("benchmark", "diagnose"),
    ("benchmark", "train"),
    ("benchmark", "learning"),
    ("benchmark", "linking"),
    ("search",),
)
TRAINER_NAME = "anamnesis-trainer"


def needs_torch(words: list[str]) -> bool:
    """Whether these words of the command line name a verb that only the trainer can run."""
    encodes_names = words[:1] == ["evaluate"] and any(word.startswith("--build-") for word in words)
    return encodes_names or any(tuple(words[: len(verb)]) == verb for verb in NEEDS_TORCH)


def start(words: list[str]) -> int:
    """Become the trainer, or run the verb here."""
    if needs_torch(words):
        return _become_trainer(words)
    from app.cli.main import main

    return main(words)


def _become_trainer(words: list[str]) -> int:
    trainer = Path(sys.executable).resolve().parent.parent / "trainer" / TRAINER_NAME
    if not trainer.exists():
        print(f"anamnesis: this needs the trainer; ask IT to install {TRAINER_NAME}", file=sys.stderr)
        return 1
    return os.execv(trainer, [str(trainer), *words])


if __name__ == "__main__":
    multiprocessing.freeze_support()  # the vault's benchmark starts this program as its two sides
    sys.exit(start(sys.argv[1:]))

"""A program and its trainer as two real processes that may be killed; every executed step leaves a byte.

python killed_site.py VAULT COUNT_FILE          the program: trains, or takes the stopped run up again
python killed_site.py --trainer COUNT_FILE      its trainer: the real conversation over a small learner
"""

import os
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

STEPS, BLOCK, PASSPHRASE = 24, 3, "correct horse"


def program(folder: str, count_file: str) -> None:
    """Train on a vault of one patient until done; what was stopped before is taken up."""
    from app.store.vault import Vault
    from app.workflows import trainer_process
    from app.workflows.plan_training import TrainingPlan
    from app.workflows.train_model import RESUME_SETTING, train_model

    command = [sys.executable, __file__, "--trainer", count_file]
    with (
        patch.object(trainer_process, "worker_command", lambda _kind: command),
        Vault.open(Path(folder), user="ann", passphrase=PASSPHRASE) as vault,
    ):
        plan = TrainingPlan(
            target_epsilon=8.0,
            delta=1e-5,
            steps=STEPS,
            block_steps=BLOCK,
            sample_rate=1.0,
            resume=vault.setting(RESUME_SETTING) is not None,
        )
        for report in train_model(vault, plan):
            print(type(report).__name__, flush=True)


def trainer(count_file: str) -> None:
    """The real trainer; its learner writes one byte when a step has been done."""
    from ml.training import worker
    from ml.training.validation import Judgement

    class Counting:
        def step(self, _drawn: Any, _settings: Any, _random: Any) -> None:
            time.sleep(0.02)
            handle = os.open(count_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(handle, b".")
            os.close(handle)

        def state(self) -> bytes:
            return b"state"

        def restore(self, state: bytes) -> None:
            assert state == b"state"

        def judge(self) -> Judgement:
            return Judgement(top1=0.0, top10=0.0, loss=0.0)

        def result(self) -> bytes:
            return b"tensors"

        def fusion(self) -> None:
            return None

    Path(f"{count_file}.pid").write_text(str(os.getpid()))
    with patch.object(worker, "make_learner", lambda _job, _patients: Counting()):
        sys.exit(worker.main())


if __name__ == "__main__":
    if sys.argv[1] == "--trainer":
        trainer(sys.argv[2])
    else:
        program(sys.argv[1], sys.argv[2])

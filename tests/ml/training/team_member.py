"""One real process of a team: takes the steps of each job that comes, and says what they released.

python team_member.py    frames {job, patients, drawn} on stdin, frames {state, result, released} on stdout
"""

import sys
from typing import Any
from unittest.mock import patch

import torch

from ml.frames import read_frame, write_frame
from ml.privacy.csprng import SecureRandom
from ml.training.dp_encoder import EncoderTrainer
from ml.training.learner import make_learner
from ml.training.messages import decode_start
from ml.training.team import join_team
from ml.training.worker import step_settings


def take_steps(frame: dict[str, Any]) -> dict[str, Any]:
    """A step for each list of places; what the optimizer was given in each, and the end of it."""
    job, patients = decode_start(frame)
    released: list[list[bytes]] = []
    descend = EncoderTrainer.descend

    def watched(self: EncoderTrainer, settings: Any) -> None:
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        assert len(gradients) == len(self.parameters)
        released.append([gradient.numpy().tobytes() for gradient in gradients])
        descend(self, settings)

    with patch.object(EncoderTrainer, "descend", watched):
        torch.manual_seed(job.rank)  # what layers start from differs until the first has handed out its own
        team = join_team(job.meeting, rank=job.rank, size=job.devices) if job.devices > 1 else None
        learner = make_learner(job, patients, team)
        for step, drawn in enumerate(frame["drawn"]):
            settings = step_settings(job, job.noise_multiplier, step)
            learner.step(drawn, settings, SecureRandom(bytes([step]) * 32))
        return {"state": learner.state(), "result": learner.result(), "released": released}


if __name__ == "__main__":
    for asked in iter(lambda: read_frame(sys.stdin.buffer), None):
        assert asked is not None
        write_frame(sys.stdout.buffer, take_steps(asked))

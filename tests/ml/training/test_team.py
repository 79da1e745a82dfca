"""Two real trainers that step as one release what one trainer would: the same sum, noise once, one update."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, BinaryIO, cast

import numpy as np
import pytest

from ml.errors import TrainingRefused
from ml.frames import read_frame, write_frame
from ml.registry.tensor_file import read_tensors
from ml.training.learner import make_learner
from ml.training.messages import TrainingJob, TrainingPatient, encode_start
from ml.training.team import Team
from tests.ml.tiny_job import tiny_job
from tests.ml.training.team_member import take_steps
from tests.ml.training.tiny_masked import MASKED_WORDS

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
PEOPLE = [
    TrainingPatient(0, ("seizure and fever", "no fever"), 1),
    TrainingPatient(1, ("weak arm .",), 3),
    TrainingPatient(2, ("short leg fever weak",), 1),
    TrainingPatient(3, ("arm", "leg no"), 3),
    TrainingPatient(4, ("leg",), 1),
]
DRAWN = [[0, 1, 2, 3, 4], [3], [], [4, 0]]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    return tiny_job(
        tmp_path_factory.mktemp("tiny"),
        words=MASKED_WORDS,
        scope="full",
        max_grad_norm=0.3,
        public_texts=("fever and seizure .",),
    )


@pytest.fixture(scope="module")
def members() -> Iterator[list[Popen[bytes]]]:
    """Two processes for every team here: each needs seconds before it can begin."""
    command = [sys.executable, str(Path(__file__).with_name("team_member.py"))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (
        Popen(command, stdin=PIPE, stdout=PIPE, env=environment) as first,
        Popen(command, stdin=PIPE, stdout=PIPE, env=environment) as second,
    ):
        yield [first, second]
    assert (first.returncode, second.returncode) == (0, 0)


def together(members: list[Popen[bytes]], job: TrainingJob, meeting: Path) -> list[dict[str, Any]]:
    """What each member ends with."""
    for rank, member in enumerate(members):
        one = replace(job, devices=len(members), rank=rank, meeting=str(meeting / "meeting"))
        write_frame(cast(BinaryIO, member.stdin), encode_start(one, PEOPLE) | {"drawn": DRAWN})
    frames = [read_frame(cast(BinaryIO, member.stdout)) for member in members]
    return [frame for frame in frames if frame is not None]


def numbers(released: list[list[bytes]]) -> list[np.ndarray]:
    return [np.concatenate([np.frombuffer(part, np.float32) for part in step]) for step in released]


@pytest.mark.parametrize(("scope", "task"), [("full", "diagnosis"), ("top", "mlm")])
def test_two_release_the_sum_of_one_also_where_nobody_was_drawn(
    members: list[Popen[bytes]], job: TrainingJob, tmp_path: Path, scope: str, task: str
) -> None:
    this = replace(job, scope=scope, task=task)
    alone = take_steps(encode_start(this, PEOPLE) | {"drawn": DRAWN})
    first, second = together(members, this, tmp_path)
    assert second["released"] == first["released"]
    assert read_tensors(second["result"]).keys() == read_tensors(first["result"]).keys()
    assert second["state"] == first["state"]
    for ours, one in zip(numbers(first["released"]), numbers(alone["released"]), strict=True):
        assert np.abs(ours - one).max() * job.expected_batch < 1e-5
    moved = [float(np.abs(step).max()) > 1e-4 for step in numbers(first["released"])]
    assert moved == [True, True, False, True]


def test_what_layers_start_from_is_the_firsts(
    members: list[Popen[bytes]], job: TrainingJob, tmp_path: Path
) -> None:
    first, second = together(members, replace(job, scope="adalora"), tmp_path)
    assert second["result"] == first["result"]


def test_noise_is_added_once_whoever_was_drawn(
    members: list[Popen[bytes]], job: TrainingJob, tmp_path: Path
) -> None:
    """With the first's key the noise is, number by number, that of one trainer; both take the same step."""
    loud = replace(job, noise_multiplier=2.0)
    silent, alone = (take_steps(encode_start(j, PEOPLE) | {"drawn": DRAWN}) for j in (job, loud))
    first, second = together(members, loud, tmp_path)
    assert second["state"] == first["state"]
    ours, one = numbers(first["released"])[0], numbers(alone["released"])[0]
    assert np.abs(ours - one).max() * job.expected_batch < 1e-5
    noise = (ours - numbers(silent["released"])[0]) * job.expected_batch
    assert abs(noise.std() / (2.0 * job.max_grad_norm) - 1) < 0.05


def test_everybody_is_in_one_members_share() -> None:
    members = [Team.__new__(Team) for _ in range(3)]
    for rank, member in enumerate(members):
        member.rank, member.size = rank, 3
    for count in range(8):
        shares = [member.share(range(count)) for member in members]
        assert sorted(place for share in shares for place in share) == list(range(count))
    assert [member.leads for member in members] == [True, False, False]


def test_the_head_is_refused_on_several(job: TrainingJob) -> None:
    with pytest.raises(TrainingRefused, match="one device"):
        make_learner(replace(job, scope="head"), PEOPLE, Team.__new__(Team))

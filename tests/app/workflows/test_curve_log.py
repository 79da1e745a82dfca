"""The TensorBoard log holds epsilon, a coarse speed and the curve on synthetic notes, and nothing else."""

import math
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.crc32c import crc32c
from tensorboardX.proto.event_pb2 import Event

from app.errors import UsageError
from app.workflows.curve_log import CurveLog
from app.workflows.train_model import TrainingProgress
from app.workflows.training_curve import CurvePoint

BEGAN = 1_800_000_000.0
TAGS = {"epsilon", "steps_per_second", "synthetic/top1", "synthetic/top10", "synthetic/loss"}


def sitting(folder: Path, tmp_path: Path, *reports: object) -> None:
    with CurveLog(folder, vault=tmp_path / "v.vault", began=BEGAN) as log:
        for report in (TrainingProgress("run-1", "preparing", steps=4), *reports):
            log.add(report)


def training(step: int, epsilon: float, speed: float) -> TrainingProgress:
    return TrainingProgress("run-1", "training", step, 4, epsilon, speed, 1.0)


def masked(data: bytes) -> int:
    """The checksum as the format has it (tensorflow/core/lib/hash/crc32c.h)."""
    found = int(crc32c(data)) & 0xFFFFFFFF
    return (((found >> 15) | (found << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def events(path: Path) -> list[Any]:
    """Every event of a file, its checksums compared."""
    data, found = path.read_bytes(), []
    while data:
        size, end = int.from_bytes(data[:8], "little"), 12 + int.from_bytes(data[:8], "little")
        assert masked(data[:8]) == int.from_bytes(data[8:12], "little")
        assert masked(data[12:end]) == int.from_bytes(data[end : end + 4], "little")
        found.append(Event.FromString(data[12 : 12 + size]))
        data = data[end + 4 :]
    return found


def scalars(path: Path) -> list[tuple[str, int, float]]:
    return [(v.tag, e.step, v.simple_value) for e in events(path) for v in e.summary.value]


def test_a_run_taken_up_again_adds_to_its_folder_and_every_tag_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    first = (
        CurvePoint(0, 0.0, 0.25, 0.5, 2.0),
        training(1, 0.5, 17.3),
        training(2, 0.5, 18.9),
        CurvePoint(2, 0.5, 0.5, 0.75, 1.5, steps_per_second=20.0),
    )
    sitting(folder, tmp_path, *first)
    sitting(folder, tmp_path, training(3, 1.0, 3.3), CurvePoint(4, 1.0, 0.75, 1.0, 1.0))
    one, two = sorted((folder / "run-1").iterdir())
    assert "tfevents" in one.name
    assert scalars(one) == [
        ("synthetic/top1", 0, 0.25),
        ("synthetic/top10", 0, 0.5),
        ("synthetic/loss", 0, 2.0),
        ("epsilon", 1, 0.5),
        ("steps_per_second", 1, 20.0),
        ("synthetic/top1", 2, 0.5),
        ("synthetic/top10", 2, 0.75),
        ("synthetic/loss", 2, 1.5),
    ]
    assert {tag for tag, _, _ in [*scalars(one), *scalars(two)]} == TAGS
    assert ("steps_per_second", 3, 2.0) in scalars(two)


def test_an_event_tells_nothing_beside_its_step_and_values(tmp_path: Path) -> None:
    """No duration either: each bears the moment at which the file was begun."""
    sitting(tmp_path, tmp_path, training(1, 0.5, 17.3), training(3, 0.7, 12.0))
    first, *others = events(next((tmp_path / "run-1").iterdir()))
    assert (first.file_version, first.wall_time) == ("brain.Event:2", BEGAN)
    for event in others:
        assert {field.name for field, _ in event.ListFields()} == {"wall_time", "step", "summary"}
        assert event.wall_time == BEGAN
        assert all(math.isfinite(value.simple_value) for value in event.summary.value)


def test_no_log_is_written_into_a_vault_or_where_nothing_can_be(tmp_path: Path) -> None:
    vault = tmp_path / "v.vault"
    with pytest.raises(UsageError, match="outside the vault"):
        CurveLog(vault / "models" / "log", vault=vault, began=BEGAN)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="can't be written"):
        sitting(tmp_path / "file", tmp_path)

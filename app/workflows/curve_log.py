"""A run's TensorBoard log: epsilon, speed, and the curve on synthetic notes. It lies outside the vault.

So nothing is written that patients move: of the speed only what `told_speed` tells, and every event bears
the moment at which the file was begun, since how long a block takes depends on how many were drawn.
"""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from app.errors import UsageError
from app.workflows.train_model import TrainingProgress
from app.workflows.training_curve import CurvePoint, told_speed

if TYPE_CHECKING:
    from tensorboardX import RecordWriter

_FORMAT = "brain.Event:2"  # by which TensorBoard knows such a file


class CurveLog:
    """Event files of a run in a folder of its name below `folder`; each sitting of the run adds a file.

    `began` is the moment to write, in seconds since 1970. A context manager; UsageError where the folder
    can't be written.
    """

    def __init__(self, folder: Path, *, vault: Path, began: float) -> None:
        if folder.resolve().is_relative_to(vault.resolve()):
            raise UsageError("the log is readable without a key: choose a folder outside the vault")
        self._folder, self._began = folder, began
        self._file: RecordWriter | None = None
        self._epsilon = -1.0

    def __enter__(self) -> "CurveLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, report: object) -> None:
        """What a report of `train_model` tells anew: a point of the curve, or a block that has begun."""
        if isinstance(report, CurvePoint):
            self._write(
                report.step,
                {
                    "synthetic/top1": report.top1,
                    "synthetic/top10": report.top10,
                    "synthetic/loss": report.loss,
                },
            )
        elif isinstance(report, TrainingProgress):
            self._open(report.run_id)
            if report.phase == "training" and report.epsilon != self._epsilon:
                self._epsilon = report.epsilon
                told = told_speed(report.steps_per_second)
                self._write(report.step, {"epsilon": report.epsilon, "steps_per_second": told})

    def _open(self, run_id: str) -> None:
        """A new file, named after those that lie there, so that TensorBoard reads it after them."""
        if self._file is not None:
            return
        from tensorboardX import RecordWriter
        from tensorboardX.proto.event_pb2 import Event

        place = self._folder / run_id
        try:
            place.mkdir(parents=True, exist_ok=True)
            self._file = RecordWriter(str(place / f"events.out.tfevents.{len(list(place.iterdir())):04d}"))
            self._append(Event(wall_time=self._began, file_version=_FORMAT).SerializeToString())
        except OSError as error:
            raise UsageError(_UNWRITABLE) from error

    def _write(self, step: int, values: dict[str, float]) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        summary = Summary(value=[Summary.Value(tag=tag, simple_value=told) for tag, told in values.items()])
        event = Event(wall_time=self._began, step=step, summary=summary)
        try:
            self._append(event.SerializeToString())
        except OSError as error:
            raise UsageError(_UNWRITABLE) from error

    def _append(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)
        self._file.flush()


_UNWRITABLE = "the folder of --log-dir can't be written; choose another, or take a run up with --resume alone"

"""The parent's side of the trainer: starts the process, speaks frames, ends it within a second.

With several devices there is a process for each; the first of them speaks, the others follow it.
"""

import queue
import threading
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from types import TracebackType
from typing import Any

from app.config.program import worker_command, worker_environment
from app.errors import BudgetExceeded, WorkerFailed
from app.workflows.frame_process import FrameProcess
from app.workflows.stop_wish import StopWish
from ml.errors import MlError
from ml.training.messages import TrainingJob, TrainingPatient, encode_start


class TrainerProcess:
    """A running trainer; a context manager that leaves no process behind."""

    def __init__(self) -> None:
        self._process = _started()
        self._others: list[FrameProcess] = []
        self._meeting: TemporaryDirectory[str] | None = None
        self._writers: list[threading.Thread] = []

    def __enter__(self) -> "TrainerProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._process, *self._others):
            process.end()
        for writer in self._writers:
            writer.join(timeout=5)
        if self._meeting is not None:
            self._meeting.cleanup()

    def start(self, job: TrainingJob, patients: list[TrainingPatient]) -> None:
        """Send the job and the pseudonymous patients, beside: the trainer reads them seconds later."""
        if job.devices > 1:
            self._meeting = TemporaryDirectory(prefix="anamnesis-")
            job = replace(job, meeting=str(Path(self._meeting.name) / "meeting"))
        for _ in range(1, job.devices):
            self._others.append(_started())  # each is known at once, so that it is ended where the next fails
        for rank, process in enumerate((self._process, *self._others)):
            start = encode_start(replace(job, rank=rank), patients)
            self._writers.append(threading.Thread(target=process.send, args=(start,), daemon=True))
            self._writers[-1].start()

    def grant(self) -> None:
        """Let the next block run; the ledger has been debited."""
        self._process.send({"kind": "grant"})

    def receive(self, stop: Event | StopWish) -> dict[str, Any] | None:
        """The next frame; None once `stop` is set. Raises BudgetExceeded, WorkerFailed."""
        while not stop.is_set():
            try:
                frame = self._process.receive()
            except queue.Empty:
                continue
            except MlError as error:
                raise WorkerFailed(str(error)) from error
            if frame is None:
                raise WorkerFailed(
                    "the trainer ended without a result; what was granted is spent. Check free memory, then "
                    "take the run up again with --resume (where it never starts: `anamnesis self-test`)"
                )
            if frame["kind"] == "refused":
                raise BudgetExceeded(str(frame["reason"]))
            return frame
        return None


def _started() -> FrameProcess:
    return FrameProcess(worker_command("train"), environment=worker_environment())

"""The parent's side of the trainer: starts the process, speaks frames, ends it within a second."""

import queue
import subprocess
import threading
from threading import Event
from types import TracebackType
from typing import Any, BinaryIO, cast

from app.config.program import worker_command, worker_environment
from app.errors import BudgetExceeded, WorkerFailed
from ml.errors import MlError
from ml.frames import read_frame, write_frame
from ml.training.messages import TrainingJob, TrainingPatient, encode_start

POLL_S = 0.2


class TrainerProcess:
    """A running trainer; a context manager that leaves no process behind."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            worker_command("train"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=worker_environment(),
        )
        self._frames: queue.Queue[dict[str, Any] | MlError | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._writer: threading.Thread | None = None

    def __enter__(self) -> "TrainerProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for thread in (self._reader, self._writer):
            if thread is not None:
                thread.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue

    def start(self, job: TrainingJob, patients: list[TrainingPatient]) -> None:
        """Send the job and the pseudonymous patients, beside: the trainer reads them seconds later."""
        self._writer = threading.Thread(target=self._send, args=(encode_start(job, patients),), daemon=True)
        self._writer.start()

    def grant(self) -> None:
        """Let the next block run; the ledger has been debited."""
        self._send({"kind": "grant"})

    def receive(self, stop: Event) -> dict[str, Any] | None:
        """The next frame; None once `stop` is set. Raises BudgetExceeded, WorkerFailed."""
        while not stop.is_set():
            try:
                frame = self._frames.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if isinstance(frame, MlError):
                raise WorkerFailed(str(frame)) from frame
            if frame is None:
                raise WorkerFailed(
                    "the trainer ended without a result; what was granted is spent. Check free memory, then "
                    "take the run up again with --resume (where it never starts: `anamnesis self-test`)"
                )
            if frame["kind"] == "refused":
                raise BudgetExceeded(str(frame["reason"]))
            return frame
        return None

    def _send(self, message: dict[str, Any]) -> None:
        try:
            write_frame(cast(BinaryIO, self._process.stdin), message)
        except OSError:  # it has ended, or was ended: `receive` says so
            return

    def _read(self) -> None:
        try:
            while (frame := read_frame(cast(BinaryIO, self._process.stdout))) is not None:
                self._frames.put(frame)
            self._frames.put(None)
        except MlError as error:
            self._frames.put(error)
        except (OSError, ValueError):
            self._frames.put(None)

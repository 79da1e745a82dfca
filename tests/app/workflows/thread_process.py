"""The trainer in a thread of this process, for tests that are about neither its start nor its end.

The parent's side and the trainer's are the real ones, over real pipes; torch is imported once a file.
"""

import os
import queue
import threading
from collections.abc import Mapping, Sequence

import pytest

from app.workflows import trainer_process
from app.workflows.frame_process import FrameProcess
from ml.frames import MAX_FRAME_BYTES
from ml.training import worker


def train_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test ends, no trainer is a process."""
    monkeypatch.setattr(trainer_process, "FrameProcess", ThreadProcess)


class ThreadProcess(FrameProcess):
    """What its parent takes for a child process."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> None:
        self._process = _Trainer()  # type: ignore[assignment]
        self._largest = MAX_FRAME_BYTES
        self._frames = queue.Queue()
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()


class _Trainer:
    """What of `subprocess.Popen` a FrameProcess asks for."""

    def __init__(self) -> None:
        (inward, self_out), (self_in, outward) = os.pipe(), os.pipe()
        self.stdin, self.stdout = os.fdopen(self_out, "wb"), os.fdopen(self_in, "rb")
        self._ends = os.fdopen(inward, "rb"), os.fdopen(outward, "wb")
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        inward, outward = self._ends
        with inward, outward:
            worker.serve(inward, outward)

    def kill(self) -> None:
        """A thread can't be killed: it ends where it would ask for its next block."""
        self.stdin.close()

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended."""
        if timeout is None:
            self._thread.join()
        return 0

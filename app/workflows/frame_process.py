"""A child process of ours that speaks frames over its pipes; a context manager that leaves none behind."""

import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, BinaryIO, cast

from ml.errors import MlError
from ml.frames import MAX_FRAME_BYTES, read_frame, write_frame

POLL_S = 0.2


class FrameProcess:
    """A running child. `backlog` bounds how many unread frames wait here (0: no bound).

    One that is `apart` has a session of its own (POSIX): no terminal is its own to type into, and no Ctrl+C
    in one reaches it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        backlog: int = 0,
        largest: int = MAX_FRAME_BYTES,
        apart: bool = False,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=apart,
        )
        self._largest = largest
        self._frames: queue.Queue[dict[str, Any] | MlError | None] = queue.Queue(backlog)
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "FrameProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def end(self, *, grace_s: float = 0) -> int:
        """Kill it once `grace_s` have passed, and close its pipes; its exit code, negative for a signal."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self._process.kill()
        code = self._process.wait()
        self._ended.set()
        self._reader.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        return code

    def send(self, message: dict[str, Any]) -> None:
        """Send one frame; whether the child still lives is for `receive` to say."""
        with suppress(OSError, ValueError):  # it has ended, or was ended
            write_frame(cast(BinaryIO, self._process.stdin), message)

    def receive(self) -> dict[str, Any] | None:
        """The next frame; None at the end. Raises queue.Empty after POLL_S without one, MlError."""
        frame = self._frames.get(timeout=POLL_S)
        if isinstance(frame, MlError):
            raise frame
        return frame

    def _read(self) -> None:
        try:
            while (frame := read_frame(cast(BinaryIO, self._process.stdout), self._largest)) is not None:
                self._put(frame)
            self._put(None)
        except MlError as error:
            self._put(error)
        except (OSError, ValueError):
            self._put(None)

    def _put(self, frame: dict[str, Any] | MlError | None) -> None:
        while True:
            try:
                self._frames.put(frame, timeout=POLL_S)
            except queue.Full:
                if self._ended.is_set():
                    return
            else:
                return

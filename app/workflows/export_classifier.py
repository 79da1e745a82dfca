"""Runs the export worker: a process with torch, asked over pipes, killed when nobody listens."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Any, BinaryIO, cast

import msgspec

from app.config.program import worker_command, worker_environment
from app.errors import WorkerFailed
from ml.errors import ModelFileError
from ml.frames import read_frame, write_frame
from ml.registry.export_job import ExportRequest, ExportResult


class ExportWorker:
    """A started worker that answers one request; a context manager that leaves no process behind.

    It imports torch as soon as it is started, so start it while something else is still going on. `stop`
    ends it in the middle of what it does, so that a lock leaves nothing at work.
    """

    def __init__(self, stop: Event | None = None) -> None:
        self._process = subprocess.Popen(
            worker_command("export"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=worker_environment(),
        )
        if stop is not None:
            Thread(target=self._end_at, args=(stop,), daemon=True).start()

    def __enter__(self) -> "ExportWorker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def answers(self, request: ExportRequest) -> Iterator[str | ExportResult]:
        """Yield lines of progress and, last, the result. Raises WorkerFailed, ModelFileError."""
        pipes = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        try:
            write_frame(pipes[0], msgspec.to_builtins(request, builtin_types=(bytes,)))
            pipes[0].close()
        except BrokenPipeError:
            raise WorkerFailed("the export worker did not start; run `anamnesis self-test`") from None
        while (reply := read_frame(pipes[1])) is not None:
            yield _understood(reply)
        if self._process.wait() != 0:
            raise WorkerFailed("the export worker ended without a model; check free memory and try again")

    def _end_at(self, stop: Event) -> None:
        while self._process.poll() is None:
            if stop.wait(0.1):
                self._process.kill()
                return


def export_classifier(request: ExportRequest, *, stop: Event | None = None) -> Iterator[str | ExportResult]:
    """`ExportWorker.answers` of a worker started now. Closing the generator ends it, and so does `stop`."""
    with ExportWorker(stop) as worker:
        yield from worker.answers(request)


def _understood(reply: dict[str, Any]) -> str | ExportResult:
    if reply["kind"] == "done":
        return msgspec.convert(reply["result"], ExportResult)
    if reply["kind"] == "refused":
        raise ModelFileError(reply["message"])
    return str(reply["text"])

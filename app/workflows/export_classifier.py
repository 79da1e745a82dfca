"""Runs the export worker: a process with torch, asked over pipes, killed when nobody listens."""

import subprocess
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import msgspec

from app.config.program import worker_command
from app.errors import WorkerFailed
from ml.errors import ModelFileError
from ml.frames import read_frame, write_frame
from ml.registry.export_job import ExportRequest, ExportResult


def export_classifier(request: ExportRequest) -> Iterator[str | ExportResult]:
    """Yield lines of progress and, last, the result. Closing the generator ends the worker."""
    worker = subprocess.Popen(
        worker_command("export"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert worker.stdin is not None
        assert worker.stdout is not None
        write_frame(cast(BinaryIO, worker.stdin), msgspec.to_builtins(request, builtin_types=(bytes,)))
        worker.stdin.close()
        while (reply := read_frame(cast(BinaryIO, worker.stdout))) is not None:
            yield _understood(reply)
        if worker.wait() != 0:
            raise WorkerFailed("the export worker ended without a model; check free memory and try again")
    except BrokenPipeError:
        raise WorkerFailed("the export worker did not start; run `anamnesis self-test`") from None
    finally:
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def _understood(reply: dict[str, Any]) -> str | ExportResult:
    if reply["kind"] == "done":
        return msgspec.convert(reply["result"], ExportResult)
    if reply["kind"] == "refused":
        raise ModelFileError(reply["message"])
    return str(reply["text"])

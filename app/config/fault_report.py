"""Tells a fault of our own by kind and place: a message may hold a patient's words, and a log is no vault."""

import os
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

TRACEBACK_VARIABLE = "ANAMNESIS_TRACEBACK"  # set by developers: a fault is told with its traceback


def fault_lines(error: BaseException) -> str:
    """Where a fault came about, and what came of what, without any message."""
    return "\n".join(line for one in _chain(error) for line in _told(one))


def print_faults_without_messages() -> None:
    """What nothing catches, in any thread, is printed so to stderr, unless a developer says else."""
    if not os.environ.get(TRACEBACK_VARIABLE):
        sys.excepthook = _print
        threading.excepthook = lambda told: _print(told.exc_type, told.exc_value)


def _print(
    _kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None = None
) -> None:
    if error is not None and sys.stderr is not None and not isinstance(error, SystemExit):
        print(fault_lines(error), file=sys.stderr, flush=True)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The fault, and before it what it came of."""
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None:
        yield from _chain(earlier)
    yield error


def _told(error: BaseException) -> Iterator[str]:
    for place in traceback.extract_tb(error.__traceback__):
        yield f"  {Path(place.filename).name}:{place.lineno} in {place.name}"
    reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
    yield f"{type(error).__name__}{reason}"

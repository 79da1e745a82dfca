"""The run under way. It outlives the pages: a lock empties the screens, but does not waste the budget."""

from threading import Event

from PySide6.QtCore import QObject, Signal

from app.gui.operations.runner import Failure, OperationRunner
from app.gui.training.run_view import RunProgress, RunRequest, StartRun

STOPPED = "It was stopped. What its steps have spent stays spent; it can be resumed where it stood"


class TrainingRun(QObject):
    """At most one run; its latest report can be asked for at any time."""

    progressed = Signal(object)  # RunProgress
    ended = Signal(str)  # empty where it finished, else why not

    def __init__(self, runner: OperationRunner) -> None:
        super().__init__()
        self._runner = runner
        self._stop: Event | None = None
        self.request: RunRequest | None = None
        self.latest: RunProgress | None = None

    @property
    def under_way(self) -> bool:
        """Whether a run has been started and has not ended."""
        return self._stop is not None

    @property
    def stopping(self) -> bool:
        """Whether the run has been asked to stop."""
        return self._stop is not None and self._stop.is_set()

    def start(self, start_run: StartRun, request: RunRequest) -> None:
        """Begin."""
        self.request, self.latest = request, RunProgress("Preparing")
        self._stop = self._runner.job(
            lambda stop: start_run(request, stop),
            self._report,
            lambda _done: self._end(STOPPED if self.stopping else ""),
            self._fail,
            lasting=True,
        )

    def cancel(self) -> None:
        """Ask the run to stop; what it has spent stays spent."""
        if self._stop is not None:
            self._stop.set()

    def _report(self, progress: RunProgress) -> None:
        self.latest = progress
        self.progressed.emit(progress)

    def _fail(self, failure: Failure) -> None:
        self._end(failure.message)

    def _end(self, why: str) -> None:
        self._stop = None
        self.ended.emit(why)

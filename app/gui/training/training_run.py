"""The run under way. It outlives the pages: a lock ends it after its block, so that no budget is wasted."""

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.gui.operations.runner import Failure, OperationRunner
from app.gui.training.run_view import RunProgress, RunRequest, StartRun
from app.workflows.stop_wish import StopWish

STOPPED = "It was stopped. What its steps have spent stays spent; it can be resumed where it stood"
UNSPENT = "It was stopped before its first step. Nothing was spent"
PAUSED = "It was paused when the vault was locked. No step that was spent is lost; it can be resumed there"
_ENDED_EARLY = "Stopped"


class TrainingRun(QObject):
    """At most one run; its latest report can be asked for at any time."""

    progressed = Signal(object)  # RunProgress
    ended = Signal(str)  # empty where it finished, else why not

    def __init__(self, runner: OperationRunner) -> None:
        super().__init__()
        self._runner = runner
        self._wish: StopWish | None = None
        self._spent_before: float | None = None  # what the first report says
        self.place: Path | None = None
        self.request: RunRequest | None = None
        self.latest: RunProgress | None = None
        self.paused: RunRequest | None = None  # what would go on with the run that a lock has ended

    @property
    def under_way(self) -> bool:
        """Whether a run has been started and has not ended."""
        return self._wish is not None

    @property
    def stopping(self) -> bool:
        """Whether the run has been asked to stop at once."""
        return self._wish is not None and self._wish.at_once.is_set()

    def under_way_in(self, vault: Path) -> bool:
        """Whether it runs on this vault."""
        return self.under_way and self.place == vault

    def start(self, start_run: StartRun, request: RunRequest, *, place: Path) -> None:
        """Begin; `place` is the vault's folder."""
        self.request, self.latest, self.place = request, RunProgress("Preparing"), place
        self.paused = self._spent_before = None
        wish = StopWish()
        stop = self._runner.job(
            lambda stop: start_run(request, replace(wish, at_once=stop)),
            self._report,
            lambda _done: self._end(self._why()),
            self._fail,
            lasting=True,
        )
        self._wish = replace(wish, at_once=stop)

    def cancel(self) -> None:
        """Ask the run to stop; what it has spent stays spent."""
        if self._wish is not None:
            self._wish.at_once.set()

    def pause(self) -> None:
        """Ask the run to end after its block: its checkpoint is sealed, no budget is lost."""
        if self._wish is not None:
            self._wish.after_block.set()

    def go_on(self) -> None:
        """Take the pause back, where the block has not ended meanwhile."""
        if self._wish is not None:
            self._wish.after_block.clear()

    def _report(self, progress: RunProgress) -> None:
        self.latest = progress
        if self._spent_before is None:
            self._spent_before = progress.epsilon
        self.progressed.emit(progress)

    def _fail(self, failure: Failure) -> None:
        self._end(failure.message)

    def _why(self) -> str:
        """Why the run has ended; empty where it finished."""
        if self.stopping:
            unspent = self.latest is not None and self.latest.epsilon == self._spent_before
            return UNSPENT if unspent else STOPPED
        if self.latest is None or self.latest.phase != _ENDED_EARLY or self.request is None:
            return ""
        self.paused = replace(self.request, resume=True) if self.latest.step else self.request
        return PAUSED

    def _end(self, why: str) -> None:
        self._wish = None
        self.ended.emit(why)

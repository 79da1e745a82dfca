"""The chart on the screen and its log: each deed gives a new chart and one entry, written in order."""

from collections.abc import Callable

from app.clinical.annotation import AnnotationEvent
from app.clinical.diagnosis import Diagnosis
from app.clinical.ids import PatientId
from app.gui.operations.runner import Failure
from app.gui.patient.history import Step
from app.gui.patient.open_chart import Change, OpenChart, append, do
from app.gui.session import OpenSession
from app.gui.shell.withheld import read_only_words

Record = AnnotationEvent | Diagnosis


class ChartDesk:
    """Holds the open chart; `changed` hears of each deed at once, `written` when its entry has landed."""

    def __init__(
        self,
        session: OpenSession,
        *,
        changed: Callable[[Record], object],
        written: Callable[[], object],
        read_again: Callable[[PatientId], object],
    ) -> None:
        self._session = session
        self._changed = changed
        self._written = written
        self._read_again = read_again
        self.opened: OpenChart | None = None

    def holds(self, patient: PatientId) -> bool:
        """Whether this patient's chart is the one that is open."""
        return self.opened is not None and self.opened.chart.patient.id == patient

    def do(self, step: Step) -> None:
        """A new deed on the open chart, if there is one."""
        if self.opened is not None and self._may_write():
            self._commit(
                do(self.opened, step, author=self._session.vault.user, at=self._session.around.now())
            )

    def travel(self, way: Callable[..., Change | None]) -> Record | None:
        """Undo or redo; the entry that was written, None where there was nothing to go back or on to."""
        if self.opened is None or not self._may_write():
            return None
        change = way(self.opened, author=self._session.vault.user, at=self._session.around.now())
        if change is None:
            return None
        self._commit(change)
        return change[1]

    def _may_write(self) -> bool:
        """Whether the vault takes deeds; says so where it does not."""
        why = read_only_words(self._session)
        if why:
            self._session.runner.failed.emit(Failure(why, expected=True))
        return not why

    def _commit(self, change: Change) -> None:
        """Show the change at once and append it to the log; a chart whose write is refused is read again."""
        self.opened, record = change
        vault, patient = self._session.vault, self.opened.chart.patient.id
        self._session.runner.write(
            lambda: append(vault, record), lambda _done: self._written(), lambda f: self._refused(f, patient)
        )
        self._changed(record)

    def _refused(self, failure: Failure, patient: PatientId) -> None:
        self._session.runner.failed.emit(failure)
        if self.holds(patient):
            self._read_again(patient)

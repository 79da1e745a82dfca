"""Runs what must not block the window: short reads and writes, and long jobs, with results by signal.

Reads share two threads; all writes go through one, in the order asked. A result is handed back in
the window's thread. `forget` drops everything still under way, so that no result of a locked vault
reaches a screen; only a job that outlives the screens goes on reporting.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal, Slot

from app.config.fault_report import fault_lines
from app.errors import AnamnesisError
from knowledge_graph.errors import KnowledgeError
from ml.errors import MlError

Result = TypeVar("Result")
Report = TypeVar("Report")
LASTING = -1  # the generation of jobs that outlive the screens

UNEXPECTED = "Something went wrong inside the program. Nothing was lost; try again, or restart it."


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an operation failed, fit to be shown: one line, no patient content."""

    message: str
    expected: bool


class OperationRunner(QObject):
    """Hands functions to threads and their results back to the window's thread."""

    busy_changed = Signal(bool)
    failed = Signal(object)  # Failure, where the caller gave no handler
    _returned = Signal(int, object, object)  # generation, handler, value
    _ended = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="gui-read")
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gui-write")
        self._jobs = ThreadPoolExecutor(max_workers=2, thread_name_prefix="gui-job")
        self._generation = 0
        self._under_way = 0
        self._stops: list[tuple[int, Event]] = []
        self._returned.connect(self._hand_back, Qt.ConnectionType.QueuedConnection)
        self._ended.connect(self._count_down, Qt.ConnectionType.QueuedConnection)

    def read(
        self,
        function: Callable[[], Result],
        then: Callable[[Result], object],
        otherwise: Callable[[Failure], object] | None = None,
    ) -> None:
        """Run a function that only reads."""
        self._submit(self._readers, function, then, otherwise)

    def write(
        self,
        function: Callable[[], Result],
        then: Callable[[Result], object],
        otherwise: Callable[[Failure], object] | None = None,
    ) -> None:
        """Run a function that writes, after every write asked for earlier."""
        self._submit(self._writer, function, then, otherwise)

    def job(
        self,
        reports: Callable[[Event], Iterator[Report]],
        on_report: Callable[[Report], object],
        then: Callable[[None], object],
        otherwise: Callable[[Failure], object] | None = None,
        *,
        lasting: bool = False,
    ) -> Event:
        """Drain a long computation's reports; setting the returned event asks it to stop."""
        generation = LASTING if lasting else self._generation
        return self._drain(self._jobs, (reports, on_report), then, otherwise, generation)

    def read_on(
        self,
        reports: Callable[[Event], Iterator[Report]],
        on_report: Callable[[Report], object],
        otherwise: Callable[[Failure], object] | None = None,
    ) -> Event:
        """The same for a function that only reads, among the other reads: no job keeps it waiting."""
        return self._drain(self._readers, (reports, on_report), lambda _: None, otherwise, self._generation)

    def forget(self) -> None:
        """Ask the screens' jobs to stop, and drop every result that has not been handed back yet."""
        self._generation += 1
        self._stop_jobs(lasting=False)

    def wait_until_idle(self, timeout_s: float = 30.0) -> bool:
        """Process events until nothing is under way; False where that took too long."""
        end = monotonic() + timeout_s
        while self._under_way and monotonic() < end:
            QCoreApplication.processEvents()
            QCoreApplication.sendPostedEvents()
            Event().wait(0.002)
        QCoreApplication.processEvents()
        return self._under_way == 0

    def settle_writes(self) -> None:
        """Wait for the writes under way, so that the vault can be closed after them."""
        self._writer.submit(lambda: None).result()

    def close(self) -> None:
        """Stop taking work and wait for what is under way."""
        self.forget()
        self._stop_jobs(lasting=True)
        for pool in (self._readers, self._writer, self._jobs):
            pool.shutdown(wait=True, cancel_futures=True)

    def _drain(
        self,
        pool: ThreadPoolExecutor,
        work: tuple[Callable[[Event], Iterator[Report]], Callable[[Report], object]],
        then: Callable[[None], object],
        otherwise: Callable[[Failure], object] | None,
        generation: int,
    ) -> Event:
        stop, (reports, on_report) = Event(), work
        self._stops.append((generation, stop))

        def drain() -> None:
            for report in reports(stop):
                self._returned.emit(generation, on_report, report)

        self._submit(pool, drain, then, otherwise, generation)
        return stop

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        function: Callable[[], Result],
        then: Callable[[Result], object],
        otherwise: Callable[[Failure], object] | None,
        generation: int | None = None,
    ) -> None:
        turn = self._generation if generation is None else generation
        self._under_way += 1
        if self._under_way == 1:
            self.busy_changed.emit(True)
        handler = otherwise or self.failed.emit

        def work() -> None:
            try:
                self._returned.emit(turn, then, function())
            except (AnamnesisError, KnowledgeError, MlError) as error:
                self._returned.emit(turn, handler, Failure(str(error), expected=True))
            except Exception as error:
                logging.getLogger(__name__).error("an operation failed\n%s", fault_lines(error))
                self._returned.emit(turn, handler, Failure(UNEXPECTED, expected=False))
            finally:
                self._ended.emit(turn)

        pool.submit(work)

    def _stop_jobs(self, *, lasting: bool) -> None:
        for generation, stop in self._stops:
            if (generation == LASTING) == lasting:
                stop.set()
        self._stops = [entry for entry in self._stops if not entry[1].is_set()]

    @Slot(int, object, object)
    def _hand_back(self, generation: int, handler: Callable[[Any], object], value: Any) -> None:
        if generation in (self._generation, LASTING):
            handler(value)

    @Slot(int)
    def _count_down(self, generation: int) -> None:
        self._under_way -= 1
        if self._under_way == 0:
            self.busy_changed.emit(False)

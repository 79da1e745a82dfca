"""Imports files into a vault: two passes, one transaction a batch, a report for each item.

Both passes run in a confined process (`foreign_gate`). The first reads every file whole, so that one
which can't be read is reported with its reason and leaves nothing behind; the other files go on, also
where a file has ended the process. Importing a file twice changes nothing.
"""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from app.clinical.chart import ClinicalRecord
from app.config.policy import Policy
from app.errors import ImportRefused, PolicyError, ReaderEnded, WorkerFailed
from app.exchange.item import ImportedItem
from app.exchange.reader import ReadPlan
from app.exchange.source_file import SourceFile, files_below
from app.store.record_table import PutCounts
from app.store.vault import Vault
from app.workflows.foreign_gate import ForeignGate, GateLimits, PackedItems

BATCH_RECORDS = 2_000
PROGRESS_ITEMS, PROGRESS_S = 1_000, 0.2
MOST_HELD_BYTES = 16 << 20
MOST_READERS = 5
TOO_MUCH_AT_ONCE = (
    "the files of this import together need more memory than their reader may use; import them in parts"
)


@dataclass(frozen=True, slots=True)
class ItemReport:
    """One line of the report: never content, only kind, place and reason."""

    file: str
    kind: str
    place: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is."""

    file: str
    files_done: int
    files: int
    items: int
    phase: str = "filing"


@dataclass(slots=True)
class ImportReport:
    """What became of everything."""

    files: int = 0
    refused: list[ItemReport] = field(default_factory=list)
    imported: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    items: list[ItemReport] = field(default_factory=list)
    unread: Counter[str] = field(default_factory=Counter)
    cancelled: bool = False

    @property
    def items_read(self) -> int:
        """How many items were imported so far."""
        return sum(self.imported.values())

    def note(self, file: SourceFile, item: ImportedItem) -> None:
        """What became of an item; one that came whole is only counted."""
        if item.skipped:
            self.skipped[item.kind] += 1
            self.items.append(ItemReport(file.name, item.kind, item.place, "skipped", item.skipped))
            return
        self.imported[item.kind] += 1
        self.unread.update(f"{item.kind}.{name}" for name in item.unread)
        if item.remarks:
            remarks = "; ".join(item.remarks)
            self.items.append(ItemReport(file.name, item.kind, item.place, "imported with remarks", remarks))

    def count(self, counts: PutCounts) -> None:
        """Add what became of a batch's records."""
        self.added += counts.added
        self.changed += counts.changed
        self.unchanged += counts.unchanged


def import_records(
    vault: Vault,
    paths: Sequence[Path],
    *,
    plan: ReadPlan | None = None,
    policy: Policy | None = None,
    stop: Event | None = None,
    limits: GateLimits | None = None,
) -> Iterator[ImportProgress | ImportReport]:
    """Yield progress and, last, the report. Raises PolicyError, ImportRefused for a missing path.

    `stop` ends it between two items: what was filed until then stays whole, and importing again goes on.
    """
    how = plan or ReadPlan()
    check_folders(paths, policy or Policy())
    found = list(files_below(paths, how.limits))
    stopped = stop or Event()
    with ForeignGate(how, vault.people(), stop=stopped, limits=limits) as gate:
        run = _Run(vault, gate, stopped)
        files = list(run.members(found))
        run.report.files = len(files)
        for done, file in enumerate(files):
            for steps in run.learn(file):
                yield ImportProgress(file.name, done, len(files), steps, "looking through")
        run.recall()
        readable = len(run.todo)
        while run.todo:
            file, pace = run.todo.popleft(), _Pace()
            for _ in run.file(file):
                done, items = readable - len(run.todo) - 1, run.report.items_read
                if pace.is_due(items):
                    yield ImportProgress(file.name, done, readable, items, "filing")
        yield run.report


def check_folders(paths: Sequence[Path], policy: Policy) -> None:
    """Raise PolicyError where a path lies outside the folders that IT allows."""
    allowed = [folder.resolve() for folder in policy.import_folders]
    for path in paths:
        if allowed and not any(path.resolve().is_relative_to(folder) for folder in allowed):
            raise PolicyError(
                f"the hospital's policy allows imports only from {', '.join(map(str, allowed))}; "
                "move the file there"
            )


class _Pace:
    """Says when progress on one file is worth telling: at once, then by items or by time."""

    def __init__(self) -> None:
        self._items = -PROGRESS_ITEMS
        self._at = 0.0

    def is_due(self, items: int) -> bool:
        """Whether enough has happened since it last was."""
        if items < self._items + PROGRESS_ITEMS and time.monotonic() < self._at + PROGRESS_S:
            return False
        self._items, self._at = items, time.monotonic()
        return True


class _Run:
    """One import under way: `todo` are the files still to be filed."""

    def __init__(self, vault: Vault, gate: ForeignGate, stop: Event):
        self.report = ImportReport()
        self.todo: deque[SourceFile] = deque()
        self._filed: list[SourceFile] = []
        self._vault = vault
        self._gate = gate
        self._stop = stop

    def members(self, found: Iterable[SourceFile]) -> Iterator[SourceFile]:
        """The files themselves and what archives hold; an archive that can't be opened is a refused file."""
        for file in found:
            if self._stopped():
                return
            try:
                yield from [file] if file.refused else self._gate.members(file)
            except ImportRefused as error:
                yield replace(file, refused=str(error).removeprefix(f"{file.name}: "))

    def learn(self, file: SourceFile) -> Iterator[int]:
        """The first pass over a file, which refuses it before anything of it is filed."""
        yield 0
        if self._stopped():
            return
        try:
            if file.refused:
                raise ImportRefused(f"{file.name}: {file.refused}")
            yield from self._gate.learn(file)
        except ImportRefused as error:
            self._refuse(file, error)
            return
        self.todo.append(file)

    def recall(self) -> None:
        """Where files have ended the reader, teach a new one what all others say. Raises WorkerFailed."""
        for _ in range(MOST_READERS):
            if not self._gate.has_forgotten or self._stopped():
                return
            self._gate.renew()
            files = [*self._filed, *self.todo]
            filed, self._filed = set(self._filed), []
            self.todo.clear()
            for file in files:
                deque(self.learn(file), maxlen=0)
            self._filed = [file for file in self.todo if file in filed]
            self.todo = deque(file for file in self.todo if file not in filed)
        raise WorkerFailed(TOO_MUCH_AT_ONCE)

    def file(self, file: SourceFile) -> Iterator[None]:
        """The second pass: all that a file holds is filed, or nothing of it."""
        yield
        try:
            if not self._stopped():
                yield from self._read(file)
        except ReaderEnded as error:
            self._refuse(file, error)
            self._weed()
            self.recall()
            return
        except ImportRefused as error:
            self._refuse(file, error)
        self._filed.append(file)

    def _read(self, file: SourceFile) -> Iterator[None]:
        """A file is filed once it was read to its end; one too large to be held meanwhile is read twice."""
        held: list[PackedItems] = []
        weight = 0
        for part in self._gate.read(file):
            yield
            weight += part.weight
            if weight > MOST_HELD_BYTES:
                held.clear()
            else:
                held.append(part)
        yield from self._put(file, held if weight <= MOST_HELD_BYTES else self._gate.read(file))

    def _put(self, file: SourceFile, parts: Iterable[PackedItems]) -> Iterator[None]:
        batch: list[ClinicalRecord] = []
        origin = ""
        for part in parts:
            if self._stopped():
                return
            origin = part.origin
            for item in part.opened():
                self.report.note(file, item)
                batch += item.records
            if len(batch) >= BATCH_RECORDS:
                self._file_all(batch, origin)
                batch = []
            yield
        if batch and not self._stopped():
            self._file_all(batch, origin)

    def _file_all(self, batch: list[ClinicalRecord], origin: str) -> None:
        self.report.count(self._vault.put_records(batch, origin=origin))

    def _weed(self) -> None:
        """After a file that ended the reader, drop every other that would: each costs a reader, once."""
        todo, self.todo = self.todo, deque()
        for file in todo:
            try:
                deque(self._gate.learn(file), maxlen=0)
                deque(self._gate.read(file), maxlen=0)
            except ReaderEnded as error:
                self._refuse(file, error)
                continue
            except ImportRefused:
                pass  # as the others stand in the table, it may be read after all
            self.todo.append(file)

    def _stopped(self) -> bool:
        self.report.cancelled |= self._stop.is_set()
        return self.report.cancelled

    def _refuse(self, file: SourceFile, error: ImportRefused) -> None:
        self.report.refused.append(ItemReport(file.name, "file", "", "refused", str(error)))

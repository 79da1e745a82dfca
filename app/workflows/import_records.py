"""Imports files into a vault: two passes, one transaction a batch, a report for each item.

The first pass reads every file whole, so that one which can't be read is reported with its reason and
leaves nothing behind; the other files go on. Importing a file twice changes nothing.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from app.clinical.chart import ClinicalRecord
from app.clinical.patient import Patient
from app.config.policy import Policy
from app.errors import ImportRefused, PolicyError
from app.exchange.item import ImportedItem
from app.exchange.reader import ReadPlan, learn, read_records
from app.exchange.source_file import SourceFile, source_files
from app.store.record_table import PutCounts
from app.store.vault import Vault

BATCH_RECORDS = 2_000
PROGRESS_ITEMS = 1_000


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
) -> Iterator[ImportProgress | ImportReport]:
    """Yield progress and, last, the report. Raises PolicyError, ImportRefused for a missing path.

    `stop` ends it between two items: what was filed until then stays whole, and importing again goes on.
    """
    how = plan or ReadPlan()
    check_folders(paths, policy or Policy())
    files = list(source_files(paths, how.limits))
    how.references.known = vault.people()
    run = _Run(vault, how, stop or Event(), ImportReport(files=len(files)))
    readable: list[SourceFile] = []
    for done, file in enumerate(files):
        for step, _ in enumerate(run.learn(file, readable)):
            if step % PROGRESS_ITEMS == 0:
                yield ImportProgress(file.name, done, len(files), step, "looking through")
    for done, file in enumerate(readable):
        for step, _ in enumerate(run.file(file)):
            if step % PROGRESS_ITEMS == 0:
                yield ImportProgress(file.name, done, len(readable), run.report.items_read, "filing")
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


class _Run:
    """One import under way."""

    def __init__(self, vault: Vault, plan: ReadPlan, stop: Event, report: ImportReport):
        self.report = report
        self._vault = vault
        self._plan = plan
        self._stop = stop
        self._seen: set[str] = set()

    def learn(self, file: SourceFile, readable: list[SourceFile]) -> Iterator[None]:
        """The first pass over a file, which refuses it before anything of it is filed."""
        yield
        try:
            for _ in learn(file, self._plan):
                yield
                if self._stopped():
                    return
        except ImportRefused as error:
            self._plan.references.forget(file.scope)
            self._refuse(file, error)
            return
        readable.append(file)

    def file(self, file: SourceFile) -> Iterator[None]:
        """The second pass: a step for each item; records are filed in whole items."""
        yield
        batch: list[ClinicalRecord] = []
        origin = ""
        try:
            origin = "" if self._stopped() else _sha256(file)
            for item in read_records(file, self._plan) if origin else ():
                if self._stopped():
                    return
                records = self._with_people(self._allowed(item))
                self.report.note(file, item)
                batch += records
                yield
                if len(batch) >= BATCH_RECORDS:
                    self._put(batch, origin)
                    batch = []
        except ImportRefused as error:
            self._refuse(file, error)
            return
        if batch:
            self._put(batch, origin)

    def _put(self, batch: list[ClinicalRecord], origin: str) -> None:
        self.report.count(self._vault.put_records(batch, origin=origin))

    def _stopped(self) -> bool:
        self.report.cancelled |= self._stop.is_set()
        return self.report.cancelled

    def _refuse(self, file: SourceFile, error: ImportRefused) -> None:
        self.report.refused.append(ItemReport(file.name, "file", "", "refused", str(error)))

    def _allowed(self, item: ImportedItem) -> list[ClinicalRecord]:
        """The item's records; a patient that is only a number does not overwrite a fuller one."""
        records: list[ClinicalRecord] = []
        for record in item.records:
            if isinstance(record, Patient):
                known = record.id in self._seen or record.id in self._plan.references.known
                self._seen.add(record.id)
                if known and record.is_bare:
                    continue
            records.append(record)
        return records

    def _with_people(self, records: list[ClinicalRecord]) -> list[ClinicalRecord]:
        """The records behind any patient of theirs that another file (or a contained resource) holds."""
        table = self._plan.references
        people: list[ClinicalRecord] = []
        for record in records:
            whose = "" if isinstance(record, Patient) else record.patient_id
            if whose and whose not in self._seen and whose in table.people:
                self._seen.add(whose)
                if not (whose in table.known and whose in table.partial):
                    people.append(table.people[whose])
        return [*people, *records]


def _sha256(file: SourceFile) -> str:
    with file.open() as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]

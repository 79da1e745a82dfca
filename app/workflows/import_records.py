"""Imports files into a vault: two passes, one transaction a batch, a report for each item.

A file that cannot be read at all is reported with its reason and leaves nothing of its own behind
its last whole batch; the other files go on. Importing a file twice changes nothing.
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
from knowledge_graph.findings.finding import Sex

BATCH_RECORDS = 2_000


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
    cancelled: bool = False

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
    """Yield progress and, last, the report. Raises PolicyError, ImportRefused for a missing path."""
    how = plan or ReadPlan()
    check_folders(paths, policy or Policy())
    files = list(source_files(paths, how.limits))
    report = ImportReport(files=len(files))
    readable = [file for file in files if _learn(file, how, report)]
    for done, file in enumerate(readable):
        yield ImportProgress(file.name, done, len(files), sum(report.imported.values()))
        if stop is not None and stop.is_set():
            report.cancelled = True
            break
        _import_file(vault, file, how, report)
    yield report


def check_folders(paths: Sequence[Path], policy: Policy) -> None:
    """Raise PolicyError where a path lies outside the folders that IT allows."""
    allowed = [folder.resolve() for folder in policy.import_folders]
    for path in paths:
        if allowed and not any(path.resolve().is_relative_to(folder) for folder in allowed):
            raise PolicyError(
                f"the hospital's policy allows imports only from {', '.join(map(str, allowed))}; "
                "move the file there"
            )


def _learn(file: SourceFile, plan: ReadPlan, report: ImportReport) -> bool:
    try:
        learn(file, plan)
    except ImportRefused as error:
        report.refused.append(ItemReport(file.name, "file", "", "refused", str(error)))
        return False
    return True


def _import_file(vault: Vault, file: SourceFile, plan: ReadPlan, report: ImportReport) -> None:
    origin = ""
    batch: list[ClinicalRecord] = []
    seen: set[str] = set()
    try:
        origin = _sha256(file)
        for item in read_records(file, plan):
            records = _with_people(_allowed(vault, item, seen), plan, seen)
            _note_item(report, file, item, records)
            batch += records
            if len(batch) >= BATCH_RECORDS:
                report.count(vault.put_records(batch, origin=origin))
                batch = []
    except ImportRefused as error:
        report.refused.append(ItemReport(file.name, "file", "", "refused", str(error)))
    if batch:
        report.count(vault.put_records(batch, origin=origin))


def _allowed(vault: Vault, item: ImportedItem, seen: set[str]) -> list[ClinicalRecord]:
    """The item's records; a patient that is only a number does not overwrite a fuller one."""
    records: list[ClinicalRecord] = []
    for record in item.records:
        if isinstance(record, Patient):
            known = record.id in seen or vault.has_patient(record.id)
            seen.add(record.id)
            if known and _is_bare(record):
                continue
        records.append(record)
    return records


def _with_people(records: list[ClinicalRecord], plan: ReadPlan, seen: set[str]) -> list[ClinicalRecord]:
    """The records behind any patient of theirs that another file (or a contained resource) holds."""
    people: list[ClinicalRecord] = []
    for record in records:
        whose = "" if isinstance(record, Patient) else record.patient_id
        if whose and whose not in seen and whose in plan.references.people:
            people.append(plan.references.people[whose])
            seen.add(whose)
    return [*people, *records]


def _is_bare(patient: Patient) -> bool:
    named = any(patient.name == identifier.value for identifier in patient.identifiers)
    return (named or not patient.name) and not patient.birth_date and patient.sex is Sex.UNKNOWN


def _note_item(
    report: ImportReport, file: SourceFile, item: ImportedItem, records: Sequence[ClinicalRecord]
) -> None:
    if item.skipped:
        report.skipped[item.kind] += 1
        report.items.append(ItemReport(file.name, item.kind, item.place, "skipped", item.skipped))
        return
    report.imported[item.kind] += 1
    if item.remarks:
        remarks = "; ".join(item.remarks)
        report.items.append(ItemReport(file.name, item.kind, item.place, "imported in part", remarks))


def _sha256(file: SourceFile) -> str:
    with file.open() as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]

"""Imports files and folders into a vault and prints what became of each item."""

import argparse
import json
import signal
from dataclasses import asdict
from pathlib import Path
from threading import Event

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase
from app.config.policy import load_policy
from app.config.toml_text import parse_toml, read_small_text
from app.errors import NothingFound, UsageError
from app.exchange.reader import ReadPlan
from app.store.vault import Vault
from app.workflows.import_records import ImportProgress, ImportReport, import_records


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what to import and how to read tables."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, folders or zip archives")
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN|FILE.toml",
        help="which column of a table holds which field",
    )
    parser.add_argument("--patient-id", default="", help="whose a plain text is (default: its file name)")
    parser.add_argument(
        "--patient-system",
        default="",
        metavar="URI",
        help="the system of the patient numbers in tables and text names, as FHIR identifiers name it",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write the report of each item as JSON lines"
    )
    add_vault_arguments(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Exit code 1 where a file was refused or the import was stopped."""
    plan = ReadPlan(
        column_map=column_map(arguments.map),
        patient_id=arguments.patient_id,
        patient_system=arguments.patient_system,
    )
    passphrase = read_passphrase(arguments)
    stop = Event()
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    report = ImportReport()
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase) as vault:
        for step in import_records(vault, arguments.paths, plan=plan, policy=load_policy(), stop=stop):
            if isinstance(step, ImportProgress):
                words = f"{step.phase}: file {step.files_done + 1} of {step.files}, {step.items} items"
                console.progress(words, **asdict(step))
            else:
                report = step
    console.result(_as_json(report), _as_text(report))
    if arguments.report:
        _write_report(arguments.report, report)
    for refused in report.refused:
        console.refuse(refused.reason)
    if report.cancelled:
        console.refuse("stopped; whatever was filed is whole: import the same files again to go on")
    if not report.files and not report.cancelled:
        raise NothingFound("there is no file to import in what was named; check the path")
    return 1 if report.refused or report.cancelled else 0


def column_map(words: list[str]) -> dict[str, str]:
    """Fields to columns, from FIELD=COLUMN words and TOML files. Raises UsageError."""
    columns: dict[str, str] = {}
    for word in words:
        field, equals, column = word.partition("=")
        if equals:
            columns[field.strip()] = column.strip()
            continue
        try:
            found = parse_toml(read_small_text(Path(word)))
            columns |= {str(k): str(v) for k, v in found.items()}
        except (OSError, ValueError) as error:
            raise UsageError(f'the column map {word} cannot be read; write FIELD = "COLUMN" lines') from error
    return columns


def _write_report(path: Path, report: ImportReport) -> None:
    lines = (json.dumps(asdict(item)) + "\n" for item in (*report.refused, *report.items))
    try:
        with path.open("w", encoding="utf-8") as stream:
            stream.writelines(lines)
    except OSError as error:
        raise UsageError(
            f"the records are filed, but the report can't be written to {path} ({error.strerror}); "
            "name a file in a folder you may write"
        ) from error


def _as_json(report: ImportReport) -> dict[str, object]:
    return {
        "files": report.files,
        "imported": dict(sorted(report.imported.items())),
        "skipped": dict(sorted(report.skipped.items())),
        "records": {"added": report.added, "changed": report.changed, "unchanged": report.unchanged},
        "refused": [asdict(item) for item in report.refused],
        "items": [asdict(item) for item in report.items],
        "fields_not_read": dict(report.unread.most_common()),
        "cancelled": report.cancelled,
    }


def _as_text(report: ImportReport) -> str:
    lines = [f"{report.files} files read, {len(report.refused)} refused"]
    lines += [f"  {count:7} {kind} imported" for kind, count in sorted(report.imported.items())]
    lines += [f"  {count:7} {kind or 'unknown'} skipped" for kind, count in sorted(report.skipped.items())]
    reasons: dict[str, int] = {}
    for item in report.items:
        reasons[f"{item.kind}: {item.reason}"] = reasons.get(f"{item.kind}: {item.reason}", 0) + 1
    lines += [
        f"  {count:7} x {reason}" for reason, count in sorted(reasons.items(), key=lambda r: -r[1])[:20]
    ]
    if report.unread:
        fields = ", ".join(f"{name} ({count})" for name, count in report.unread.most_common(12))
        lines.append(f"content this program has no use for: {fields}")
    if report.cancelled:
        lines.append("stopped before the end")
    lines.append(f"records: {report.added} added, {report.changed} changed, {report.unchanged} unchanged")
    return "\n".join(lines)

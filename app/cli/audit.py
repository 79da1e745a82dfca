"""Verifies the audit chain of a vault, shows its events, or exports them for other systems."""

import argparse
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from app.cli.console import Console, quiet_json
from app.cli.sign_in import add_vault_arguments, read_passphrase
from app.clinical.audit_event import AuditEvent
from app.errors import UsageError, VaultDamaged
from app.exchange.audit_formats import FORMATS
from app.store.audit_chain import AuditReport
from app.store.break_glass import emergencies, review
from app.store.vault import Vault

_NOT_LIMITED = 1 << 60


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what to do and how much to show."""
    parser.add_argument("deed", choices=("verify", "show", "export", "emergencies"))
    parser.add_argument(
        "--reviewed", action="store_true", help="of emergencies: the privacy officer has seen them"
    )
    parser.add_argument("--limit", type=_count, default=50, help="how many events to show, newest first")
    parser.add_argument("--format", choices=tuple(FORMATS), default="jsonl", help="of an export")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the export's new file (default: stdout)")
    add_vault_arguments(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Exit code 1 where a link does not hold; an export is written nevertheless."""
    passphrase = read_passphrase(arguments)
    if arguments.deed == "emergencies":
        return _emergencies(passphrase, arguments, console)
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase, read_only=True) as vault:
        if arguments.deed == "show":
            return _show(vault.audit_events(limit=arguments.limit), console)
        report = vault.verify_audit()
        if arguments.deed == "export":
            count = _export(vault, arguments)
            if arguments.out is not None:
                console.result({"exported": count, "head": report.head}, f"{count} events in {arguments.out}")
    _refuse_broken(report)
    if arguments.deed == "verify":
        console.result(asdict(report), f"{report.events} events, {report.finding}; head {report.head[:16]}")
    return 0


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("a number of events is needed")
    return min(int(text), _NOT_LIMITED)


def _emergencies(passphrase: str, arguments: argparse.Namespace, console: Console) -> int:
    with Vault.open(
        arguments.vault, user=arguments.user, passphrase=passphrase, read_only=not arguments.reviewed
    ) as vault:
        events = emergencies(vault)
        if arguments.reviewed and events:
            review(vault, up_to=events[0].sequence)
    return _show(events, console)


def _show(events: list[AuditEvent], console: Console) -> int:
    lines = [f"{e.sequence:6} {e.at} {e.user:12} {e.action:22} {e.record_id} {e.detail}" for e in events]
    console.result({"events": [asdict(e) for e in events]}, "\n".join(lines))
    return 0


def _export(vault: Vault, arguments: argparse.Namespace) -> int:
    """Oldest first, one line an event, readable by its owner alone."""
    if arguments.out is None:
        return _write(vault, arguments.format, sys.stdout)
    try:
        handle = os.open(arguments.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as stream:
            return _write(vault, arguments.format, stream)
    except FileExistsError:
        raise UsageError(f"{arguments.out} is there already; choose a new file") from None
    except OSError as error:
        raise UsageError(f"{arguments.out} can't be written ({error.strerror})") from error


def _write(vault: Vault, name: str, stream: TextIO) -> int:
    count = 0
    for event in vault.all_audit_events():
        print(quiet_json(FORMATS[name](event)), file=stream)
        count += 1
    return count


def _refuse_broken(report: AuditReport) -> None:
    if not report.intact:
        raise VaultDamaged(
            f"the audit chain is broken at event {report.broken_at}: {report.finding}; "
            "keep this vault as it is and ask the privacy officer"
        )

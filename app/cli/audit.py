"""Verifies the audit chain of a vault, or shows its events."""

import argparse
from dataclasses import asdict

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase
from app.errors import VaultDamaged
from app.store.vault import Vault


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what to do and how much to show."""
    parser.add_argument("deed", choices=("verify", "show"))
    parser.add_argument("--limit", type=int, default=50, help="how many events to show, newest first")
    add_vault_arguments(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Exit code 1 where a link does not hold."""
    passphrase = read_passphrase(arguments)
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase, read_only=True) as vault:
        if arguments.deed == "show":
            events = vault.audit_events(limit=arguments.limit)
            lines = [
                f"{e.sequence:6} {e.at} {e.user:12} {e.action:22} {e.record_id} {e.detail}" for e in events
            ]
            console.result({"events": [asdict(e) for e in events]}, "\n".join(lines))
            return 0
        report = vault.verify_audit()
    if not report.intact:
        raise VaultDamaged(
            f"the audit chain is broken at event {report.broken_at}: {report.finding}; "
            "keep this vault as it is and ask the privacy officer"
        )
    console.result(asdict(report), f"{report.events} events, {report.finding}; head {report.head[:16]}")
    return 0

"""Lists the model versions of a vault, or measures one and shows its whole card."""

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase
from app.errors import UsageError

if TYPE_CHECKING:
    from app.store.vault import Vault


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the vault, and which card to show."""
    add_vault_arguments(parser)
    parser.add_argument("--card", metavar="VERSION", help="show the card of one version")
    parser.add_argument(
        "--report",
        metavar="VERSION",
        help="measure one version (`starting`, or its name's beginning) on public synthetic notes, keep the "
        "figures with it and show its whole model card",
    )
    parser.add_argument("--notes", type=int, metavar="N", help="how many notes a report reads")
    parser.add_argument("--again", action="store_true", help="measure anew where a report is kept")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one line a version, the current one marked, or one card."""
    from app.store.vault import Vault

    if arguments.report:
        if arguments.notes is not None and not 20 <= arguments.notes <= 20_000:
            raise UsageError("--notes must lie between 20 and 20000")
        passphrase = read_passphrase(arguments)
        with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase) as vault:
            return _report(arguments, console, vault)
    return _list(arguments, console)


def _report(arguments: argparse.Namespace, console: Console, vault: "Vault") -> int:
    from app.config.policy import load_policy
    from app.config.settings import cache_dir
    from app.workflows.check_gates import measured_as_asked, missed_gates
    from app.workflows.describe_report import full_card
    from app.workflows.list_models import list_models, named_version
    from app.workflows.load_knowledge import site_knowledge
    from app.workflows.report_model import REPORT_NOTES, ReportPlan, kept_report, report_model
    from ml.evaluation.model_report import ModelReport

    policy = load_policy()
    gates = policy.gates
    notes = arguments.notes or (gates.notes if gates else REPORT_NOTES)
    version = named_version(list_models(vault), arguments.report)
    kept = kept_report(vault, version.version_id)
    stands = kept is not None and measured_as_asked(kept, policy) and kept.n >= (arguments.notes or 0)
    if arguments.again or not stands:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        plan = ReportPlan(at, cache_dir(), notes, policy.report_groups, site_knowledge(policy))
        for answer in report_model(vault, version.version_id, plan):
            if isinstance(answer, ModelReport):
                kept = answer
            else:
                console.progress(answer)
    assert kept is not None
    missed = missed_gates(kept, gates) if gates else ()
    told = "\n".join(f"- Below the policy's gate: {what}" for what in missed)
    value = {**asdict(kept), "gates": None if gates is None else not missed, "missed": list(missed)}
    console.result(value, full_card(version, kept) + (f"\n{told}\n" if told else ""))
    return 0


def _list(arguments: argparse.Namespace, console: Console) -> int:
    from app.store.vault import Vault
    from app.workflows.list_models import ModelRow, list_models, named_card

    passphrase = read_passphrase(arguments)
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase, read_only=True) as vault:
        rows = list_models(vault)
        card = named_card(rows, arguments.card) if arguments.card else None

    def line(row: ModelRow) -> str:
        version, mark = row.version, "*" if row.current else " "
        privacy = f"epsilon {version.card.privacy.epsilon:.3g}"
        made = version.card.created_at or "shipped"
        return f"{mark} {version.version_id[:12]}  {made:25}  {version.card.scope:10}  {privacy}"

    value = {
        "models": [
            {
                "version": row.version.version_id,
                "current": row.current,
                "starting": row.starting,
                **asdict(row.version.card),
            }
            for row in rows
        ]
    }
    console.result(value, card or "\n".join(map(line, rows)))
    return 0

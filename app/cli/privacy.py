"""Shows the privacy ledger of a vault: spent, left, per run."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase

if TYPE_CHECKING:
    from app.workflows.report_privacy import PrivacyReport, RunSpending


LEARNED = {"diagnosis": "from diagnoses", "mlm": "from notes without labels"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the vault."""
    parser.add_argument(
        "--declare-spent",
        type=float,
        metavar="EPSILON",
        help="after a restore without the replaced vault: what had been spent (privacy officer; audited)",
    )
    parser.add_argument(
        "--set-cap",
        type=float,
        metavar="EPSILON",
        help="epsilon that no run may ever pass (set by who trains, raised by the privacy officer; audited)",
    )
    add_vault_arguments(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Read-only unless something is declared."""
    from app.config.policy import load_policy
    from app.store.vault import Vault
    from app.workflows.report_privacy import declare_spent, report_privacy, set_cap

    policy, passphrase = load_policy(), read_passphrase(arguments)
    declares = arguments.declare_spent is not None or arguments.set_cap is not None
    with Vault.open(
        arguments.vault, user=arguments.user, passphrase=passphrase, read_only=not declares
    ) as vault:
        if arguments.set_cap is not None:
            set_cap(vault, arguments.set_cap)
        if arguments.declare_spent is not None:
            declare_spent(vault, arguments.declare_spent)
        report = report_privacy(vault, policy)
    console.result(asdict(report), "\n".join((_heading(report), *map(_run_line, report.runs))))
    return 0


def _heading(report: "PrivacyReport") -> str:
    if report.spent is None:
        return (
            "what was spent before the restore is not known; the privacy officer says it by --declare-spent"
        )
    left = "no cap chosen" if report.left is None else f"{report.left:.3g} left of {report.cap:g}"
    if not report.runs and not report.floor:
        return f"nothing spent yet, {left}"
    before = f"; {float(report.floor):.3g} of it before the restore" if report.floor else ""
    return (
        f"epsilon {report.spent:.3g} spent at delta {report.delta:g}{before}, {left} "
        f"(RDP bound {report.rdp_bound:.3g})"
    )


def _run_line(run: "RunSpending") -> str:
    return (
        f"  {run.run_id}  {run.at}  epsilon {run.epsilon_before:.3g} to {run.epsilon_after:.3g}: "
        f"{run.steps} steps, sample rate {run.sample_rate:g}, noise {run.noise_multiplier:.3g}, "
        f"clip {run.max_grad_norm:g}, learned {LEARNED.get(run.task, run.task)}"
    )

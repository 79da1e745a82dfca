"""Shows the privacy ledger of a vault: spent, left, per run."""

import argparse
from dataclasses import asdict

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase


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
        help="epsilon that no run may ever pass (only the privacy officer may raise it; audited)",
    )
    add_vault_arguments(parser)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Read-only unless something is declared."""
    from app.store.vault import Vault
    from app.workflows.report_privacy import declare_spent, report_privacy, set_cap

    passphrase = read_passphrase(arguments)
    declares = arguments.declare_spent is not None or arguments.set_cap is not None
    with Vault.open(
        arguments.vault, user=arguments.user, passphrase=passphrase, read_only=not declares
    ) as vault:
        if arguments.set_cap is not None:
            set_cap(vault, arguments.set_cap)
        if arguments.declare_spent is not None:
            declare_spent(vault, arguments.declare_spent)
        report = report_privacy(vault)
    left = "no cap chosen" if report.left is None else f"{report.left:.3g} left of {report.cap:g}"
    lines = [
        f"epsilon {report.spent:.3g} spent at delta {report.delta:g}, {left} "
        f"(RDP bound {report.rdp_bound:.3g})"
    ]
    lines += [
        f"  {r.run_id}  {r.at}  {r.steps} steps, q {r.sample_rate:g}, noise {r.noise_multiplier:.3g}, "
        f"epsilon after {r.epsilon_after:.3g}"
        for r in report.runs
    ]
    if report.floor:
        lines.append(f"  epsilon before the restore: {report.floor}")
    console.result(asdict(report), "\n".join(lines))
    return 0

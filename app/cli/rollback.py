"""Goes back to an earlier model version."""

import argparse
from datetime import UTC, datetime

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the vault and the version."""
    add_vault_arguments(parser)
    parser.add_argument("--to", metavar="VERSION", help="its name's beginning, or `starting`")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Make the earlier version current and say which it is."""
    from app.config.policy import load_policy
    from app.store.vault import Vault
    from app.workflows.roll_back import roll_back

    passphrase = read_passphrase(arguments)
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase) as vault:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        version = roll_back(vault, at=at, to=arguments.to, policy=load_policy())
    value = {"current": version.version_id, "base_version": version.card.base_version}
    console.result(value, f"now in use: {version.version_id[:12]} ({version.card.title})")
    return 0

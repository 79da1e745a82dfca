"""Lists the model versions of a vault."""

import argparse
from dataclasses import asdict

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the vault, and which card to show."""
    add_vault_arguments(parser)
    parser.add_argument("--card", metavar="VERSION", help="show the whole card of one version")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one line a version, the current one marked, or one card."""
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

"""Exports a training result to ONNX, checks it against torch and registers it."""

import argparse
from dataclasses import asdict
from datetime import UTC, datetime

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, read_passphrase
from app.errors import WorkerFailed


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the vault and the run."""
    add_vault_arguments(parser)
    parser.add_argument("--run", metavar="ID", help="the training run (default: the latest)")
    parser.add_argument("--keep-current", action="store_true", help="register it without using it yet")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Publish one result and print its card."""
    from app.config.policy import load_policy
    from app.config.settings import cache_dir
    from app.store.vault import Vault
    from app.workflows.publish_model import PublishPlan, publish_model, waiting_result
    from ml.registry.model_card import card_markdown
    from ml.registry.model_version import ModelVersion

    plan = PublishPlan(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        cache_dir=cache_dir(),
        make_current=not arguments.keep_current,
        policy=load_policy(),
    )
    passphrase = read_passphrase(arguments)
    with Vault.open(arguments.vault, user=arguments.user, passphrase=passphrase) as vault:
        for report in publish_model(vault, waiting_result(vault, arguments.run), plan):
            if isinstance(report, ModelVersion):
                value = {"version": report.version_id, **asdict(report.card)}
                console.result(value, card_markdown(report))
                return 0
            console.progress(report)
    raise WorkerFailed("the export worker gave no model; try again")

"""Rebuilds the starting model from synthetic patients, or the wordings that the term search knows."""

import argparse
from pathlib import Path

from app.cli.console import Console
from app.errors import UsageError, WorkerFailed


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the seed, the folder and how much to do."""
    parser.add_argument("--seed", type=int, default=0, help="what everything random starts from")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where to write (default: the program's own)")
    parser.add_argument("--quick", action="store_true", help="a weaker model in about two minutes")
    parser.add_argument(
        "--linking",
        action="store_true",
        help="teach the term search on HPO's names and synonyms instead (minutes; public knowledge)",
    )
    parser.add_argument(
        "--keep-weights", action="store_true", help="export the shipped model again, without fitting anything"
    )
    parser.add_argument(
        "--pack", action="store_true", help="fit only the rows of the program's own pack anew (minutes)"
    )
    parser.add_argument("--threads", type=int, default=2, help="processor threads to use")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Build, write and print the card; with --linking the file of the term search."""
    if not 1 <= arguments.threads <= 1024:
        raise UsageError("--threads must lie between 1 and 1024")
    if arguments.linking:
        return _linking(arguments, console)
    from dataclasses import asdict, replace

    from app.config.settings import cache_dir
    from app.workflows.build_starting_model import (
        BuildPlan,
        build_starting_model,
        export_starting_model_again,
        save_starting_model,
        teach_pack_again,
    )
    from ml.registry.model_card import card_markdown

    plan = BuildPlan.quick(arguments.seed) if arguments.quick else BuildPlan(arguments.seed)
    plan = replace(plan, threads=arguments.threads)
    if arguments.keep_weights:
        reports = export_starting_model_again(cache_dir(), threads=plan.threads)
    else:
        reports = (teach_pack_again if arguments.pack else build_starting_model)(plan, cache_dir())
    for report in reports:
        if isinstance(report, str):
            console.progress(report)
            continue
        folder = save_starting_model(report, arguments.out)
        version = report.version
        value = {"version": version.version_id, "folder": str(folder), **asdict(version.card)}
        console.result(value, f"{card_markdown(version)}\nwritten to {folder}")
        return 0
    raise WorkerFailed("the export worker gave no model; try again")


def _linking(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.teach_wordings import build_linking

    path = build_linking(console.progress, arguments.out, seed=arguments.seed, threads=arguments.threads)
    console.result({"file": str(path), "bytes": path.stat().st_size}, f"written to {path}")
    return 0

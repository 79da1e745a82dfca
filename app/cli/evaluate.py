"""Measures the ranking on cases with a known diagnosis and prints the figures."""

import argparse
from dataclasses import asdict
from pathlib import Path

from app.cli.console import Console
from app.config.settings import cache_dir


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the cases file and how to rank."""
    parser.epilog = (
        "A case is one JSON object on one line (the file may be gzipped): disease_id, or a list disease_ids "
        "(any of them counts); observed and excluded, lists of HPO ids; if known age (P33Y), sex, pmid, refs."
    )
    parser.add_argument(
        "--cases", type=Path, required=True, metavar="F", help="cases, one JSON object a line"
    )
    parser.add_argument(
        "--drop-own-publication",
        action="store_true",
        help="leave out the rows of phenotype.hpoa that come from the case's own publication",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Rank every case; shares are between 0 and 1."""
    from app.workflows.evaluate_cases import evaluate_cases, read_cases
    from knowledge_graph.graph.cache import load_compiled

    graph = load_compiled(cache_dir())
    accuracy = evaluate_cases(
        graph, read_cases(arguments.cases), drop_own_publication=arguments.drop_own_publication
    )
    rows = asdict(accuracy)
    text = "\n".join(f"{k:18} {v:.4f}" if isinstance(v, float) else f"{k:18} {v}" for k, v in rows.items())
    console.result({**rows, "knowledge_version": graph.version}, text)
    return 0

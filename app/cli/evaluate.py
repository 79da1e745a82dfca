"""Measures the ranking on cases with a known diagnosis and prints the figures."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.console import Console
from app.config.settings import cache_dir

if TYPE_CHECKING:
    from knowledge_graph.graph.compiled_graph import CompiledGraph

# As in knowledge_graph.ranking.ranker, which is not loaded to say how a verb is called.
RANKERS = ("fused", "kindred", "likelihood_ratio")


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
    parser.add_argument(
        "--ranker",
        choices=RANKERS,
        default=RANKERS[0],
        help="the score to rank by: fused (what a diagnosis uses), kindred (findings, sex and age, kin "
        "heard) or likelihood_ratio (the same from each disease's own annotations alone)",
    )
    parser.add_argument(
        "--fit-weights",
        type=Path,
        metavar="TOML",
        help="learn the ranking's weights on the cases, cross-validate them by disease, write them here",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Rank every case; shares are between 0 and 1."""
    from app.workflows.evaluate_cases import evaluate_cases, read_cases
    from knowledge_graph.graph.cache import load_compiled

    graph = load_compiled(cache_dir())
    if arguments.fit_weights:
        return _fit(arguments, console, graph)
    accuracy = evaluate_cases(
        graph,
        read_cases(arguments.cases),
        drop_own_publication=arguments.drop_own_publication,
        ranker=arguments.ranker,
    )
    rows = asdict(accuracy)
    text = "\n".join(f"{k:18} {v:.4f}" if isinstance(v, float) else f"{k:18} {v}" for k, v in rows.items())
    console.result({**rows, "knowledge_version": graph.version}, text)
    return 0


def _fit(arguments: argparse.Namespace, console: Console, graph: "CompiledGraph") -> int:
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.fit_ranking import fit_ranking, write_weights

    fit = fit_ranking(graph, read_cases(arguments.cases), progress=console.progress)
    write_weights(arguments.fit_weights, fit, cases=arguments.cases, knowledge=graph.version)
    rows = asdict(fit)
    console.result(rows, "\n".join(f"{key:18} {value}" for key, value in rows.items()))
    return 0

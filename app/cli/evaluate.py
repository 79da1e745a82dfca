"""Measures the ranking on cases with a known diagnosis, or everything on notes, and prints the figures."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from app.cli.console import Console
from app.cli.evaluate_fitting import configure_fitting, run_fitting
from app.cli.evaluate_notes import configure_notes, run_notes
from app.cli.evaluate_questions import configure_questions, run_questions
from app.cli.evaluate_texts import configure_texts, run_texts
from app.cli.knowledge_choice import add_knowledge_arguments, chosen_knowledge
from app.config.settings import cache_dir
from app.errors import UsageError

# As in knowledge_graph.ranking.ranker, which is not loaded to say how a verb is called.
RANKERS = ("fused", "kindred", "likelihood_ratio")
SHARED_ROWS = ("kept", "uncounted", "dropped")  # as in knowledge_graph.ranking.dropped_publication


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the cases, how to rank them, and what is measured beside."""
    parser.epilog = (
        "A case is one JSON object on one line (the file may be gzipped): disease_id, or a list disease_ids "
        "(any of them counts); observed and excluded, lists of HPO ids; if known age, sex, pmid, refs. "
        "Notes are synthetic: of sampled patients, and with --cases also of the cases' findings."
    )
    _add_cases(parser)
    add_knowledge_arguments(parser)
    _add_ranking(parser)
    configure_notes(parser)
    configure_questions(parser)
    configure_texts(parser)
    configure_fitting(parser)


def _add_cases(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cases",
        type=Path,
        metavar="F",
        help="cases, one JSON object a line; or a table of DDXPlus patients (.csv, .csv.gz, .zip)",
    )
    parser.add_argument(
        "--evidences",
        type=int,
        metavar="N",
        help="of DDXPlus patients: the first complaint and N - 1 other evidences drawn by chance (--seed)",
    )


def _add_ranking(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drop-own-publication",
        action="store_true",
        help="leave out the rows of phenotype.hpoa that come from the case's own publication alone",
    )
    parser.add_argument(
        "--shared-rows",
        choices=SHARED_ROWS,
        default=SHARED_ROWS[0],
        help="with --drop-own-publication, rows that name other publications beside it: kept, kept "
        "without their count, or dropped too (default: %(default)s)",
    )
    parser.add_argument(
        "--ranker",
        choices=RANKERS,
        default=RANKERS[0],
        help="the score to rank by: fused (what a diagnosis uses), kindred (findings, sex and age, kin "
        "heard) or likelihood_ratio (the same from each disease's own annotations alone)",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Rank every case; shares are between 0 and 1."""
    if arguments.notes is not None and arguments.notes < 1:
        raise UsageError("--notes must be at least 1")
    fitting = run_fitting(arguments, console)
    if fitting is not None:
        return fitting
    if arguments.texts:
        return run_texts(arguments, console)
    if arguments.cases is None and arguments.notes is None:
        raise UsageError("name the cases by --cases, or a number of synthetic notes by --notes")
    if arguments.evidences is not None and arguments.evidences < 1:
        raise UsageError("--evidences must be at least 1")
    if arguments.questions is not None:
        if arguments.cases is None:
            raise UsageError("--questions needs --cases")
        return run_questions(arguments, console)
    if arguments.notes is not None:
        return run_notes(arguments, console)
    return _cases(arguments, console)


def _cases(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.ddxplus_cases import is_ddxplus_cases, read_ddxplus_cases
    from app.workflows.evaluate_cases import evaluate_cases, read_cases
    from app.workflows.load_knowledge import load_graph
    from app.workflows.load_rules import load_rules
    from knowledge_graph.fusion.setting_prior import setting_prior
    from knowledge_graph.ranking.dropped_publication import SharedRows

    choice = chosen_knowledge(arguments)
    graph = load_graph(cache_dir(), choice)
    how = {"evidences": arguments.evidences, "seed": arguments.seed}
    accuracy = evaluate_cases(
        graph,
        read_ddxplus_cases(arguments.cases, graph, **how)
        if is_ddxplus_cases(arguments.cases)
        else read_cases(arguments.cases),
        drop_own_publication=arguments.drop_own_publication,
        shared_rows=SharedRows(arguments.shared_rows),
        ranker=arguments.ranker,
        prior=setting_prior(graph, choice.setting) if graph.packs else None,
        rules=load_rules(graph),
    )
    rows = asdict(accuracy)
    text = "\n".join(
        _told(key, value, accuracy.intervals) for key, value in rows.items() if key != "intervals"
    )
    told = {"knowledge_version": graph.title, "setting": str(choice.setting)}
    if arguments.drop_own_publication:
        told["shared_rows"] = arguments.shared_rows
    console.result({**rows, **told}, text + "".join(f"\n{k:18} {v}" for k, v in told.items()))
    return 0


def _told(key: str, value: object, intervals: Mapping[str, tuple[float, float]]) -> str:
    number = f"{value:.4f}" if isinstance(value, float) else f"{value}"
    low_high = " ({:.4f} to {:.4f})".format(*intervals[key]) if key in intervals else ""
    return f"{key:18} {number}{low_high}"

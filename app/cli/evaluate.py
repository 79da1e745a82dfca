"""Measures the ranking on cases with a known diagnosis, or everything on notes, and prints the figures."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.accuracy_table import as_dict, as_table
from app.cli.console import Console
from app.cli.evaluate_questions import configure_questions, run_questions
from app.cli.evaluate_texts import configure_texts, run_texts
from app.cli.knowledge_choice import add_knowledge_arguments, chosen_knowledge
from app.config.settings import cache_dir
from app.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.evaluate_cases import Case

NOTES_TO_FIT = 600
# As in knowledge_graph.ranking.ranker, which is not loaded to say how a verb is called.
RANKERS = ("fused", "kindred", "likelihood_ratio")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the cases file and how to rank."""
    parser.epilog = (
        "A case is one JSON object on one line (the file may be gzipped): disease_id, or a list disease_ids "
        "(any of them counts); observed and excluded, lists of HPO ids; if known age, sex, pmid, refs. "
        "Notes are synthetic: of sampled patients, and with --cases also of the cases' findings."
    )
    parser.add_argument(
        "--cases",
        type=Path,
        metavar="F",
        help="cases, one JSON object a line; or a table of DDXPlus patients (.csv, .csv.gz)",
    )
    parser.add_argument(
        "--evidences",
        type=int,
        metavar="N",
        help="of DDXPlus patients: the first complaint and N - 1 other evidences drawn by chance (--seed)",
    )
    add_knowledge_arguments(parser)
    parser.add_argument(
        "--notes",
        type=int,
        metavar="N",
        help="measure text, graph and both fused on N notes of each kind, in styles nothing was fitted on",
    )
    parser.add_argument("--seed", type=int, default=0, help="what the notes are drawn from")
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
    configure_questions(parser)
    configure_texts(parser)
    parser.add_argument(
        "--fit-weights",
        type=Path,
        metavar="TOML",
        help="learn the ranking's weights on the cases, cross-validate them by disease, write them here",
    )
    parser.add_argument(
        "--fit-reranking",
        type=Path,
        metavar="BIN",
        help="the same for the trees of the ranking's second look",
    )
    parser.add_argument(
        "--fit-sets",
        type=Path,
        metavar="TOML",
        help="calibrate prediction sets (90 %% coverage) on the cases, cross-validate, write them here",
    )
    parser.add_argument(
        "--build-namesakes",
        type=Path,
        metavar="BIN",
        help="find the diseases named most alike by the text encoder, write them here",
    )
    parser.add_argument(
        "--build-portraits",
        type=Path,
        metavar="BIN",
        help="learn where terms and diseases stand among findings, without the articles of the cases "
        "(--cases), write it here; takes minutes and 3 GiB of memory",
    )
    parser.add_argument(
        "--fit-fusion",
        type=Path,
        metavar="TOML",
        help="learn what text and graph count on N notes, cross-validate by disease, write the weights here",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Rank every case; shares are between 0 and 1."""
    if arguments.build_namesakes:
        return _build_namesakes(arguments, console)
    if arguments.build_portraits:
        return _build_portraits(arguments, console)
    if arguments.texts:
        return run_texts(arguments, console)
    if arguments.cases is None and (arguments.notes is None or arguments.fit_fusion):
        raise UsageError("name the cases by --cases, or a number of synthetic notes by --notes")
    if arguments.evidences is not None and arguments.evidences < 1:
        raise UsageError("--evidences must be at least 1")
    if arguments.questions is not None:
        if arguments.cases is None:
            raise UsageError("--questions needs --cases")
        return run_questions(arguments, console)
    if arguments.notes is not None and arguments.notes < 1:
        raise UsageError("--notes must be at least 1")
    if arguments.fit_fusion:
        return _fit_fusion(arguments, console)
    if arguments.notes is not None:
        return _notes(arguments, console)
    return _cases(arguments, console)


def _cases(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.ddxplus_cases import is_ddxplus_cases, read_ddxplus_cases
    from app.workflows.evaluate_cases import evaluate_cases, read_cases
    from app.workflows.load_knowledge import load_graph
    from knowledge_graph.fusion.setting_prior import setting_prior

    if arguments.fit_sets:
        return _fit_sets(arguments, console)
    if arguments.fit_weights or arguments.fit_reranking:
        return _fit(arguments, console)
    choice = chosen_knowledge(arguments)
    graph = load_graph(cache_dir(), choice)
    how = {"evidences": arguments.evidences, "seed": arguments.seed}
    accuracy = evaluate_cases(
        graph,
        read_ddxplus_cases(arguments.cases, graph, **how)
        if is_ddxplus_cases(arguments.cases)
        else read_cases(arguments.cases),
        drop_own_publication=arguments.drop_own_publication,
        ranker=arguments.ranker,
        prior=setting_prior(graph, choice.setting) if graph.packs else None,
    )
    rows = asdict(accuracy)
    text = "\n".join(f"{k:18} {v:.4f}" if isinstance(v, float) else f"{k:18} {v}" for k, v in rows.items())
    told = {"knowledge_version": graph.title, "setting": str(choice.setting)}
    console.result({**rows, **told}, text + "".join(f"\n{k:18} {v}" for k, v in told.items()))
    return 0


def _fit(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.fit_ranking import fit_ranking, write_weights
    from app.workflows.fit_reranking import fit_second_look, write_reranking
    from knowledge_graph.graph.cache import load_compiled

    graph = load_compiled(cache_dir())
    cases, came = read_cases(arguments.cases), {"cases": arguments.cases, "knowledge": graph.version}
    if arguments.fit_weights:
        fit = fit_ranking(graph, cases, progress=console.progress)
        write_weights(arguments.fit_weights, fit, **came)
        rows: dict[str, object] = {"cases": fit.cases, "fitted": asdict(fit.fitted)}
        ways = {"keep": fit.keep, "drop": fit.drop}
    else:
        looked = fit_second_look(graph, cases, progress=console.progress)
        write_reranking(arguments.fit_reranking, looked, **came)
        rows = {"cases": looked.cases, "described": looked.described, "trees": len(looked.trees.value)}
        ways = {"keep": looked.keep, "drop": looked.drop, "fair": looked.fair}
    shares = {name: asdict(found) for name, found in ways.items()}
    lines = [
        f"{name} {key:13} {share['value']:.4f} ({share['low']:.4f} to {share['high']:.4f})"
        for name, found in shares.items()
        for key, share in found.items()
    ]
    lines += [f"{name} {value}" for name, value in rows.items()]
    console.result({**rows, **shares}, "\n".join(lines))
    return 0


def _fit_sets(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.fit_sets import fit_sets, write_sets
    from knowledge_graph.graph.cache import load_compiled

    graph = load_compiled(cache_dir())
    fit = fit_sets(graph, _read(arguments.cases), progress=console.progress)
    write_sets(arguments.fit_sets, fit, cases=arguments.cases, knowledge=graph.version)
    rows = {name: value for name, value in asdict(fit).items() if name != "calibration"}
    console.result(rows, "\n".join(f"{name:24} {value}" for name, value in rows.items()))
    return 0


def _build_namesakes(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.build_namesakes import build_namesakes
    from knowledge_graph.graph.cache import load_compiled

    build_namesakes(arguments.build_namesakes, load_compiled(cache_dir()), progress=console.progress)
    console.result({"written": str(arguments.build_namesakes)}, f"written to {arguments.build_namesakes}")
    return 0


def _build_portraits(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.build_portraits import build_portraits
    from knowledge_graph.graph.cache import load_compiled

    if arguments.cases is None:
        raise UsageError("--build-portraits needs --cases, whose articles are left out")
    cases, graph = _read(arguments.cases), load_compiled(cache_dir())
    build_portraits(arguments.build_portraits, graph, cases, progress=console.progress)
    console.result({"written": str(arguments.build_portraits)}, f"written to {arguments.build_portraits}")
    return 0


def _notes(arguments: argparse.Namespace, console: Console) -> int:
    import numpy as np

    from app.workflows.diagnose import DiagnosisService
    from app.workflows.evaluate_notes import evaluate_notes
    from app.workflows.write_notes import MEASURED_STYLES, KnownNote, published_notes, synthetic_notes

    service = DiagnosisService.load(cache_dir())
    rng = np.random.default_rng(arguments.seed)

    def written() -> Iterator[KnownNote]:
        how = {"count": arguments.notes, "styles": MEASURED_STYLES, "rng": rng}
        yield from synthetic_notes(service.graph, **how)
        if arguments.cases:
            yield from published_notes(service.graph, _read(arguments.cases), **how)

    report = evaluate_notes(service, written())
    value = {"styles": MEASURED_STYLES, **as_dict(report), "knowledge_version": service.graph.version}
    console.result(value, as_table(report))
    return 0


def _fit_fusion(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.fit_fusion import learn_fusion, write_fusion_weights

    service = DiagnosisService.load(cache_dir())
    fit = learn_fusion(
        service,
        _read(arguments.cases),
        count=arguments.notes or NOTES_TO_FIT,
        seed=arguments.seed,
        progress=console.progress,
    )
    write_fusion_weights(arguments.fit_fusion, fit, cases=arguments.cases, knowledge=service.graph.version)
    value = {"weights": asdict(fit.weights), "notes": fit.notes, "held_out": as_dict(fit.held_out)}
    console.result(value, f"{as_table(fit.held_out)}\n\n{fit.weights.to_text('')}")
    return 0


def _read(cases: Path) -> "Iterator[Case]":
    from app.workflows.evaluate_cases import read_cases

    return read_cases(cases)

"""`anamnesis evaluate --fit-... F` and `--build-... F`: learns from cases what ships with the program."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.accuracy_table import as_dict, as_table
from app.cli.console import Console
from app.config.settings import cache_dir
from app.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.estimate_shares import Shares
    from app.workflows.evaluate_notes import Report
    from app.workflows.fit_sureness import SurenessFit
    from knowledge_graph.fusion.fusion_weights import FusionWeights

_NOTES = 600
_WITHOUT_CASES = ("fit_powers", "build_namesakes")
_HELP = {
    "--fit-weights": "learn the ranking's weights on the cases, cross-validate by disease, write them here",
    "--fit-reranking": "the same for the ranking's second and third look; half an hour, 3 GiB of memory",
    "--fit-sets": "calibrate prediction sets (90 %% coverage) on the cases, cross-validate, write them here",
    "--fit-fusion": "learn what text and graph count on --notes notes, cross-validate, write it here",
    "--fit-powers": "keep the fusion's shipped weights, learn on --notes sampled notes and messages how sure "
    "what patients tell, and common diseases, may be stated, write both here; no cases",
    "--build-portraits": "learn where terms and diseases stand among findings, without the articles of the "
    "cases, write it here; takes minutes and 3 GiB of memory",
    "--build-namesakes": "find the diseases named most alike by the text encoder, write them here; no cases",
}


def configure_fitting(parser: argparse.ArgumentParser) -> None:
    """Add the files to write; each is made alone."""
    for option, told in _HELP.items():
        parser.add_argument(option, type=Path, metavar="TOML" if "fit" in option else "BIN", help=told)


def run_fitting(arguments: argparse.Namespace, console: Console) -> int | None:
    """Write the file that was asked for; None where none was."""
    deeds: dict[str, Callable[[argparse.Namespace, Console], int]] = {
        "fit_weights": _fit_weights,
        "fit_reranking": _fit_reranking,
        "fit_sets": _fit_sets,
        "fit_fusion": _fit_fusion,
        "fit_powers": _fit_powers,
        "build_portraits": _build_portraits,
        "build_namesakes": _build_namesakes,
    }
    asked = [name for name in deeds if getattr(arguments, name)]
    if not asked:
        return None
    if len(asked) > 1:
        raise UsageError("write one file at a time: name one of --fit-... and --build-...")
    if arguments.cases is None and asked[0] not in _WITHOUT_CASES:
        raise UsageError(f"--{asked[0].replace('_', '-')} needs --cases")
    return deeds[asked[0]](arguments, console)


def _fit_weights(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.fit_ranking import fit_ranking, write_weights
    from knowledge_graph.graph.cache import load_compiled

    graph = load_compiled(cache_dir())
    fit = fit_ranking(graph, read_cases(arguments.cases), progress=console.progress)
    write_weights(arguments.fit_weights, fit, cases=arguments.cases, knowledge=graph.version)
    rows = {"cases": fit.cases, "fitted": asdict(fit.fitted)}
    return _show_shares(console, rows, {"keep": fit.keep, "drop": fit.drop})


def _fit_reranking(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.fit_reranking import WAYS, fit_second_look, write_reranking
    from knowledge_graph.graph.cache import load_compiled

    graph = load_compiled(cache_dir())
    fit = fit_second_look(graph, read_cases(arguments.cases), progress=console.progress)
    write_reranking(arguments.fit_reranking, fit, cases=arguments.cases, knowledge=graph.version)
    rows = {"cases": fit.cases, "described": fit.described, "trees": len(fit.looks.trees.value)}
    return _show_shares(console, rows, {way: getattr(fit, way) for way in WAYS})


def _show_shares(console: Console, rows: Mapping[str, object], ways: "dict[str, Shares]") -> int:
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
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.fit_sets import fit_sets, write_sets
    from knowledge_graph.graph.cache import load_compiled

    graph = load_compiled(cache_dir())
    fit = fit_sets(graph, read_cases(arguments.cases), progress=console.progress)
    write_sets(arguments.fit_sets, fit, cases=arguments.cases, knowledge=graph.version)
    rows = {name: value for name, value in asdict(fit).items() if name != "calibration"}
    console.result(rows, "\n".join(f"{name:24} {value}" for name, value in rows.items()))
    return 0


def _fit_fusion(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.fit_fusion import learn_fusion, write_fusion_weights

    service = DiagnosisService.load(cache_dir())
    fit = learn_fusion(
        service,
        read_cases(arguments.cases),
        count=arguments.notes or _NOTES,
        seed=arguments.seed,
        progress=console.progress,
    )
    sure = _sureness(arguments, console, fit.weights)
    known = {"cases": arguments.cases, "knowledge": service.graph.version}
    write_fusion_weights(arguments.fit_fusion, fit, sure, **known)
    return _show_weights(console, sure.weights, fit.held_out | sure.held_out, notes=fit.notes + sure.notes)


def _fit_powers(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.fit_sureness import write_powers
    from knowledge_graph.fusion.fusion_weights import FusionWeights

    sure = _sureness(arguments, console, FusionWeights.load())
    write_powers(arguments.fit_powers, sure)
    return _show_weights(console, sure.weights, sure.held_out, notes=sure.notes)


def _sureness(arguments: argparse.Namespace, console: Console, weights: "FusionWeights") -> "SurenessFit":
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.fit_sureness import learn_sureness
    from app.workflows.load_knowledge import KnowledgeChoice

    service = DiagnosisService.load(cache_dir(), choice=KnowledgeChoice())
    count = arguments.notes or _NOTES
    return learn_sureness(service, weights, count=count, seed=arguments.seed, progress=console.progress)


def _show_weights(console: Console, weights: "FusionWeights", held_out: "Report", *, notes: int) -> int:
    value = {"weights": asdict(weights), "notes": notes, "held_out": as_dict(held_out)}
    console.result(value, f"{as_table(held_out)}\n\n{weights.to_text('')}")
    return 0


def _build_portraits(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.build_portraits import build_portraits
    from app.workflows.evaluate_cases import read_cases
    from knowledge_graph.graph.cache import load_compiled

    cases, graph = read_cases(arguments.cases), load_compiled(cache_dir())
    build_portraits(arguments.build_portraits, graph, cases, progress=console.progress)
    console.result({"written": str(arguments.build_portraits)}, f"written to {arguments.build_portraits}")
    return 0


def _build_namesakes(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.build_namesakes import build_namesakes
    from knowledge_graph.graph.cache import load_compiled

    build_namesakes(arguments.build_namesakes, load_compiled(cache_dir()), progress=console.progress)
    console.result({"written": str(arguments.build_namesakes)}, f"written to {arguments.build_namesakes}")
    return 0

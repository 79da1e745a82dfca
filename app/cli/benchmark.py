"""Measures both sides of a speed in one run, interleaved, and prints the ratio."""

import argparse
import importlib
from pathlib import Path

from app.cli.console import Console
from app.errors import UsageError

BENCHMARKS = {
    "diagnose": ("app.workflows.benchmark_diagnose", "ONNX Runtime against torch, one note"),
    "gpu": ("app.workflows.benchmark_gpu", "training steps and reading on a graphics card and the processor"),
    "graph": ("app.workflows.benchmark_graph", "ranking on arrays against plain Python, NetworkX and hpo3"),
    "import": ("app.workflows.benchmark_import", "files through the confined reader against in this process"),
    "learning": ("app.workflows.benchmark_learning", "a synthetic hospital's model by what it may spend"),
    "linking": ("app.workflows.benchmark_linking", "terms found by a synonym that was held out"),
    "reading": ("app.workflows.benchmark_reading", "long notes: to the first answer, the last, and again"),
    "recognition": ("app.workflows.evaluate_recognition", "findings found in annotated texts"),
    "startup": ("app.workflows.benchmark_startup", "a cold diagnosis against a cold one with torch"),
    "text": ("app.workflows.benchmark_text", "the starting model on styles and names it never saw"),
    "train": ("app.workflows.benchmark_train", "a DP-SGD step against a plain one"),
    "vault": ("app.workflows.benchmark_vault", "the encrypted store against the same without a key"),
}
READ_DATA = ("import", "learning", "recognition", "text")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the benchmark's name and its size."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(f"  {name:12} {about}" for name, (_, about) in BENCHMARKS.items())
    parser.add_argument("name", choices=sorted(BENCHMARKS))
    parser.add_argument("--size", type=int, help="how much to measure on (notes, cases or repeats)")
    parser.add_argument("--data", metavar="DIR", help=f"for {', '.join(READ_DATA)}: a folder of test data")
    parser.add_argument(
        "--hpo3",
        type=Path,
        metavar="PYTHON",
        help="for graph: the Python of an environment of its own that has hpo3, to measure beside",
    )
    parser.add_argument(
        "--scope", help="for learning: what is trained, as in `anamnesis train` (default: head)"
    )
    parser.add_argument(
        "--cases",
        type=Path,
        metavar="FILE",
        help="for learning: published cases to be patients too, as `anamnesis evaluate --cases` reads them",
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Every benchmark module offers `measure(progress, size, data) -> dict[str, object]`."""
    if arguments.hpo3 and arguments.name != "graph":
        raise UsageError("--hpo3 goes with the benchmark graph")
    if arguments.size is not None and arguments.size < 1:
        raise UsageError("--size is at least 1")
    if arguments.data is not None:
        _check_data(arguments.name, Path(arguments.data))
    for option in ("scope", "cases"):
        if getattr(arguments, option) and arguments.name != "learning":
            raise UsageError(f"--{option} goes with the benchmark learning")
    peer = {"hpo3": arguments.hpo3} if arguments.hpo3 else {}
    peer |= {"scope": arguments.scope} if arguments.scope else {}
    peer |= {"cases": arguments.cases} if arguments.cases else {}
    module = importlib.import_module(BENCHMARKS[arguments.name][0])
    result = module.measure(console.progress, size=arguments.size, data=arguments.data, **peer)
    text = "\n".join(f"{key:32} {_shown(value)}" for key, value in result.items())
    console.result({"benchmark": arguments.name, **result}, text)
    return 0


def _check_data(name: str, folder: Path) -> None:
    if name not in READ_DATA:
        raise UsageError(f"--data goes with the benchmarks {', '.join(READ_DATA)}")
    if not folder.is_dir():
        raise UsageError(f"--data names a folder, and {folder} is none; make it, or name another")


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

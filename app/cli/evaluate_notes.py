"""`anamnesis evaluate --notes N`: text, graph and both fused on notes of unseen styles, as a table."""

import argparse
from collections.abc import Iterator

from app.cli.accuracy_table import as_dict, as_table
from app.cli.console import Console
from app.config.settings import cache_dir


def configure_notes(parser: argparse.ArgumentParser) -> None:
    """Add how many notes, and what they are drawn from."""
    parser.add_argument(
        "--notes",
        type=int,
        metavar="N",
        help="measure text, graph and both fused on N notes of each kind, in styles nothing was fitted on",
    )
    parser.add_argument("--seed", type=int, default=0, help="what the notes are drawn from")


def run_notes(arguments: argparse.Namespace, console: Console) -> int:
    """Print the table."""
    import numpy as np

    from app.workflows.diagnose import DiagnosisService
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.evaluate_notes import evaluate_notes
    from app.workflows.write_notes import MEASURED_STYLES, KnownNote, published_notes, synthetic_notes

    service = DiagnosisService.load(cache_dir())
    rng = np.random.default_rng(arguments.seed)

    def written() -> Iterator[KnownNote]:
        how = {"count": arguments.notes, "styles": MEASURED_STYLES, "rng": rng}
        yield from synthetic_notes(service.graph, **how)
        if arguments.cases:
            yield from published_notes(service.graph, read_cases(arguments.cases), **how)

    report = evaluate_notes(service, written())
    value = {"styles": MEASURED_STYLES, **as_dict(report), "knowledge_version": service.graph.title}
    console.result(value, as_table(report))
    return 0

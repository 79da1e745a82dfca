"""`anamnesis evaluate --texts F`: the whole diagnosis on texts whose disease is known, as a table."""

import argparse
from dataclasses import asdict
from pathlib import Path

from app.cli.accuracy_table import as_table
from app.cli.console import Console
from app.cli.knowledge_choice import chosen_knowledge
from app.config.settings import cache_dir


def configure_texts(parser: argparse.ArgumentParser) -> None:
    """Add the file of texts."""
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="F",
        help="diagnose texts among all diseases, in the setting (--setting): one JSON object a line with "
        "text and disease_id, disease_ids or symptom2disease's label; if known age, sex and style",
    )


def run_texts(arguments: argparse.Namespace, console: Console) -> int:
    """Print the table."""
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.evaluate_texts import evaluate_texts

    service = DiagnosisService.load(cache_dir(), choice=chosen_knowledge(arguments))
    found = evaluate_texts(service, read_cases(arguments.texts))
    told = {"setting": str(service.setting), "knowledge_version": service.graph.title}
    rest = asdict(found)
    report = rest.pop("report")
    lines = [as_table(found.report), *(f"{key} {value}" for key, value in (rest | told).items())]
    console.result({**report, **rest, **told}, "\n".join(lines))
    return 0

"""Counts a vault's labels, lists what contradicts itself, and what the program guesses; changes nothing."""

import argparse
from collections import Counter
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, open_to_read
from app.config.settings import cache_dir
from app.errors import UsageError

if TYPE_CHECKING:
    from app.store.vault import Vault


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the vault, and what to list."""
    add_vault_arguments(parser, required=False)
    parser.add_argument("--weak", action="store_true", help="also guess where no clinician has spoken")
    parser.add_argument(
        "--measure-voters",
        type=int,
        metavar="N",
        help="instead, measure on N synthetic notes how often each voter of the weak labels is right",
    )
    parser.add_argument("--cases", metavar="F", type=Path, help="measure on notes of these published cases")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """A weak label is shown with its confidence; none of them is ever learned from."""
    if arguments.measure_voters is not None:
        return _measure(arguments.measure_voters, arguments.cases, console)
    if arguments.vault is None:
        raise UsageError("name the vault by --vault")
    with open_to_read(arguments, console) as vault:
        value = _labels(vault, with_weak=arguments.weak)
    console.result(value, _text(value))
    return 0


def _labels(vault: "Vault", *, with_weak: bool) -> dict[str, Any]:
    from app.store.rights import Right
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.find_conflicts import DiseaseNames, find_conflicts
    from app.workflows.standing_word import coded_diseases, standing_word
    from app.workflows.weak_labels import weak_labels
    from knowledge_graph.graph.cache import load_compiled

    vault.require(Right.CHARTS)
    counts: Counter[str] = Counter(confirmed=0, rejected=0, coded=0)
    for chart, _events in vault.every_chart():
        word = standing_word(chart.diagnoses)
        counts["confirmed"] += bool(word.confirmed)
        counts["rejected"] += bool(word.rejected)
        counts["coded"] += bool(coded_diseases(chart.conditions))
    names = DiseaseNames(load_compiled(cache_dir()))
    value: dict[str, Any] = {
        "patients": dict(counts),
        "conflicts": [asdict(conflict) for conflict in find_conflicts(vault, names)],
    }
    if with_weak:
        service = DiagnosisService.load(cache_dir(), vault)
        value["weak"] = [asdict(w) for w in weak_labels(vault, service, names, today=date.today())]
    return value


def _text(value: dict[str, Any]) -> str:
    lines = [f"{count} patients with a {kind} disease" for kind, count in value["patients"].items()]
    lines.append(f"{len(value['conflicts'])} to look at")
    lines += [f"  {c['patient_id']}  {c['kind']}: {', '.join(c['about'])}" for c in value["conflicts"]]
    if "weak" in value:
        lines.append(f"{len(value['weak'])} weak labels (guesses; never learned from)")
        lines += [
            f"  {w['patient_id']}  {w['disease_id']}  {w['confidence']:.0%}  by {', '.join(w['sources'])}"
            for w in value["weak"]
        ]
    return "\n".join(lines)


def _measure(count: int, cases: Path | None, console: Console) -> int:
    import numpy as np

    from app.workflows.diagnose import DiagnosisService
    from app.workflows.evaluate_cases import read_cases
    from app.workflows.find_conflicts import DiseaseNames
    from app.workflows.weak_labels import measure_voters
    from app.workflows.write_notes import MEASURED_STYLES, published_notes, synthetic_notes

    if count < 1:
        raise UsageError("--measure-voters must be at least 1")
    service = DiagnosisService.load(cache_dir())
    rng = np.random.default_rng(0)
    if cases is None:
        notes = synthetic_notes(service.graph, count=count, styles=MEASURED_STYLES, rng=rng)
    else:
        read = read_cases(cases)
        notes = published_notes(service.graph, read, count=count, styles=MEASURED_STYLES, rng=rng)
    found = measure_voters(service, notes, DiseaseNames(service.graph))
    value = {voter: {"speaks": n, "accuracy": accuracy} for voter, (n, accuracy) in found.items()}
    lines = (
        f"{v:6} speaks on {row['speaks']} of {count}, right {row['accuracy']:.1%}" for v, row in value.items()
    )
    console.result({"notes": count, "voters": value}, "\n".join(lines))
    return 0

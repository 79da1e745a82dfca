"""Counts a vault's labels, lists what contradicts itself, and what the program guesses; changes nothing."""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import Console
from app.cli.sign_in import add_vault_arguments, open_to_read
from app.config.settings import cache_dir
from app.errors import UsageError

if TYPE_CHECKING:
    from app.clinical.label import LabelConflict
    from app.store.vault import Vault
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.find_conflicts import DiseaseNames
    from app.workflows.measure_voters import MeasuredVoters
    from app.workflows.write_notes import KnownNote
    from knowledge_graph.graph.compiled_graph import CompiledGraph


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the vault, and what to list."""
    add_vault_arguments(parser, required=False)
    parser.add_argument("--weak", action="store_true", help="also guess where no clinician has spoken")
    parser.add_argument(
        "--measure-voters",
        type=int,
        metavar="N",
        help="instead, measure on N synthetic notes how often each voter of the weak labels is right, and "
        "the labels that they make",
    )
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--cases", metavar="F", type=Path, help="measure on notes of these published cases")
    whose.add_argument(
        "--named", action="store_true", help="measure on patients of the diseases that rules can name alone"
    )


def run(arguments: argparse.Namespace, console: Console) -> int:
    """A weak label is shown with its confidence; none of them is ever learned from."""
    if arguments.measure_voters is not None:
        return _measure(arguments, console)
    if arguments.vault is None:
        raise UsageError("name the vault by --vault")
    with open_to_read(arguments, console) as vault:
        value = _labels(vault, console, with_weak=arguments.weak)
    console.result(value, _text(value))
    return 0


def _labels(vault: "Vault", console: Console, *, with_weak: bool) -> dict[str, Any]:
    from app.store.rights import Right
    from app.workflows.find_conflicts import DiseaseNames
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
        "conflicts": [asdict(conflict) for conflict in _conflicts(vault, names, console)],
    }
    if with_weak:
        service = _site_service(vault)
        names = DiseaseNames(service.graph)
        value["weak"] = [asdict(w) for w in weak_labels(vault, service, names, today=date.today())]
    return value


def _conflicts(vault: "Vault", names: "DiseaseNames", console: Console) -> "Iterator[LabelConflict]":
    """Those found; says meanwhile how far the reading is, in tenths."""
    from app.workflows.find_conflicts import find_conflicts

    told = 0
    for found in find_conflicts(vault, names):
        if not isinstance(found, float):
            yield found
        elif told < int(10 * found) < 10:
            told = int(10 * found)
            console.progress(f"reading the charts, {10 * told} %", share=told / 10)


def _text(value: dict[str, Any]) -> str:
    lines = [f"{count} patients with a {kind} disease" for kind, count in value["patients"].items()]
    lines.append(f"{len(value['conflicts'])} to look at")
    lines += [f"  {c['patient_id']}  {c['kind']}: {', '.join(c['about'])}" for c in value["conflicts"]]
    if "weak" in value:
        lines.append(f"{len(value['weak'])} weak labels (guesses; never learned from)")
        lines += [
            f"  {w['patient_id']}  {w['disease_id']}  {w['confidence']:.0%}  by {', '.join(w['sources'])}"
            + (f"; against it: {', '.join(w['against'])}" if w["against"] else "")
            for w in value["weak"]
        ]
    return "\n".join(lines)


def _site_service(vault: "Vault") -> "DiagnosisService":
    """By the hospital's knowledge and rules, whoever is at the desk."""
    from app.config.policy import load_policy
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.load_knowledge import site_knowledge
    from app.workflows.load_rules import site_rules

    policy = load_policy()
    own = site_rules(policy)
    return DiagnosisService.load(cache_dir(), vault, own_rules=own, choice=site_knowledge(policy))


def _measure(arguments: argparse.Namespace, console: Console) -> int:
    from app.workflows.diagnose import DiagnosisService
    from app.workflows.find_conflicts import DiseaseNames
    from app.workflows.load_knowledge import KnowledgeChoice
    from app.workflows.measure_voters import measure_voters
    from app.workflows.weak_labels import shipped_voters

    if arguments.measure_voters < 1:
        raise UsageError("--measure-voters must be at least 1")
    service, shipped = DiagnosisService.load(cache_dir(), choice=KnowledgeChoice()), shipped_voters()
    notes = _known_notes(arguments, service.graph, sorted(set(shipped.named.values())))
    found = measure_voters(service, notes, DiseaseNames(service.graph), shipped)
    console.result({"notes": len(notes), **asdict(found)}, _measured_text(found, len(notes)))
    return 0


def _known_notes(
    arguments: argparse.Namespace, graph: "CompiledGraph", named: list[str]
) -> "list[KnownNote]":
    import numpy as np

    from app.workflows.evaluate_cases import read_cases
    from app.workflows.write_notes import MEASURED_STYLES, published_notes, synthetic_notes
    from knowledge_graph.terms.term import DiseaseId

    count, rng = arguments.measure_voters, np.random.default_rng(0)
    if arguments.cases is not None:
        read = read_cases(arguments.cases)
        return list(published_notes(graph, read, count=count, styles=MEASURED_STYLES, rng=rng))
    diseases = [DiseaseId(d) for d in named] if arguments.named else None
    return list(synthetic_notes(graph, count=count, styles=MEASURED_STYLES, rng=rng, diseases=diseases))


def _measured_text(found: "MeasuredVoters", notes: int) -> str:
    told = [(f"{voter} speaks", measured) for voter, measured in sorted(found.voters.items())]
    told += [("two or more agree", found.agreed), ("constraints speak against one", found.against)]
    told += [("weak labels", found.labels)]
    lines = [f"{what}: {m.times} of {notes}, right {m.right:.1%}" for what, m in told]
    return "\n".join((*lines, f"the labels' confidence: {found.confidence:.1%}"))

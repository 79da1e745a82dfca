"""Shows diseases, and patients of the same vault, whose findings are most like a patient's."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from app.cli.case import add_case_arguments, check_case_arguments, open_case
from app.cli.console import Console
from app.clinical.patient import called
from app.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.find_similar import SimilarDisease, SimilarPatient


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the patient, and how many examples."""
    add_case_arguments(parser)
    parser.add_argument("--top", type=int, default=5, help="how many of each")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Print disease profiles; with `--patient` also patients of her vault, by marks and coded features."""
    check_case_arguments(arguments)
    if arguments.top < 1:
        raise UsageError("--top must be at least 1")
    from app.workflows.find_similar import similar_diseases, similar_patients

    with open_case(arguments, console) as case:
        findings, graph = case.asked.findings, case.service.graph
        diseases = similar_diseases(graph, findings, count=arguments.top)
        patients: tuple[SimilarPatient, ...] = ()
        if case.vault is not None and case.patient_id is not None:
            patients = similar_patients(case.vault, graph, case.patient_id, findings, count=arguments.top)
        version = graph.title
    value = {
        "diseases": [asdict(found) for found in diseases],
        "patients": [asdict(found) for found in patients],
        "knowledge_version": version,
    }
    console.result(value, _as_text(diseases, patients))
    return 0


def _as_text(diseases: "tuple[SimilarDisease, ...]", patients: "tuple[SimilarPatient, ...]") -> str:
    lines = ["Diseases whose picture is most alike"]
    for found in diseases:
        shared = ", ".join(found.shared)
        lines.append(f"  {found.likeness:6.1%}  {found.disease_id:14} {found.name}: {shared}")
    if patients:
        lines.append("Patients of this vault, by reviewed and coded findings")
    for other in patients:
        who = f"{other.patient_id}  {called(other.name, other.record_number)}" + (
            f" ({other.confirmed})" if other.confirmed else ""
        )
        lines.append(f"  {other.likeness:6.1%}  {who}: {', '.join(other.shared)}")
    lines.append("Likeness is of findings alone, and no diagnosis.")
    return "\n".join(lines)

"""Measures the whole diagnosis on short texts whose disease is known, among all diseases of the knowledge."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from app.clinical.age import iso_duration_days
from app.errors import UsageError
from app.workflows.diagnose import DiagnosisService
from app.workflows.evaluate_cases import Case, case_sex
from app.workflows.evaluate_notes import FUSED, GRAPH, TEXT, Outcome, Report, accuracy, outcome_of
from app.workflows.weighed import Weighed
from knowledge_graph.findings.finding import observed_count

WAYS = (TEXT, GRAPH, FUSED)
ALL = "all"


@dataclass(frozen=True, slots=True)
class TextReport:
    """By the texts' styles; a text whose disease the knowledge lacks is left out and counted."""

    report: Report
    not_in_knowledge: int
    findings_per_text: float
    abstained: float


def evaluate_texts(service: DiagnosisService, cases: Iterable[Case]) -> TextReport:
    """Diagnose every case's text in the service's setting. Raises UsageError where none can be measured."""
    labels, outcomes = label_diseases(), defaultdict[tuple[str, str], list[Outcome]](list)
    missing, counts, abstained = 0, [], []
    for case in cases:
        truths = _truths(service, labels.get(case.label, case.truths))
        if not case.text:
            raise UsageError("a case has no text; see `anamnesis evaluate --help`")
        if not truths:
            missing += 1
            continue
        asked = service.presentation_of_text(
            case.text, sex=case_sex(case), age=iso_duration_days(case.age or "")
        )
        weighed = service.weigh(asked)
        for way, shown in zip(WAYS, _ways(service, weighed), strict=True):
            for style in {ALL, case.style or ALL}:
                outcomes[style, way].append(outcome_of(shown, truths))
        counts.append(observed_count(asked.findings))
        abstained.append(weighed.fused.abstained)
    if not counts:
        raise UsageError("no text names a disease of this knowledge; bring others")
    styles = sorted({style for style, _ in outcomes})
    report = {s: {way: accuracy(outcomes[s, way]) for way in WAYS} for s in styles}
    return TextReport(report, missing, float(np.mean(counts)), float(np.mean(abstained)))


def label_diseases() -> Mapping[str, list[str]]:
    """The diseases that an everyday label stands for (resources/packs/short_texts.toml)."""
    text = files("resources.packs").joinpath("short_texts.toml").read_text("utf-8")
    labels: dict[str, list[str]] = tomllib.loads(text)["labels"]
    return labels


def _truths(service: DiagnosisService, ids: Iterable[str]) -> list[int]:
    known = service.graph
    return sorted({int(service.shown_as[known.disease_number(d)]) for d in ids if d in known.disease_index})


def _ways(service: DiagnosisService, weighed: Weighed) -> tuple[npt.NDArray[np.float64], ...]:
    """What the text model, the graph and both make of it, each with the setting's prior and the rules."""
    text = service.weigh(replace(weighed.asked, findings=()))
    graph = service.fused(weighed.scores, weighed.held, told=weighed.asked.told)
    return text.fused.shown, graph.shown, weighed.fused.shown

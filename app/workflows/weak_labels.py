"""Weak labels: what the program's own voters think of patients on whom no clinician has spoken.

Each voter (the graph on the findings, the text model on the notes, the source record's code) names one
disease or abstains. Their votes are joined as in data programming (Ratner et al. 2016): log odds of each
voter's accuracy add up, as if they erred independently. The accuracies are measured on public synthetic
notes, never on the vault's patients, so that no patient changes another's label.
"""

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from importlib.resources import files

import msgspec
import numpy as np
import numpy.typing as npt

from app.clinical.annotation import current_annotations
from app.clinical.label import WeakLabel
from app.store.vault import Vault
from app.workflows.diagnose import DiagnosisService
from app.workflows.find_conflicts import DiseaseNames
from app.workflows.standing_word import coded_diseases, standing_word
from app.workflows.suggest_findings import read_findings
from app.workflows.weighed import Presentation
from app.workflows.write_notes import KnownNote
from knowledge_graph.findings.finding import observed_count
from knowledge_graph.fusion.fused_differential import fuse
from knowledge_graph.fusion.fusion_weights import FusionWeights
from knowledge_graph.ranking.rank import rank
from ml.errors import ModelFileError

GRAPH, TEXT, CODE = "graph", "text", "code"
SPEAKS_FROM = 0.5  # a voter whose first disease is less likely abstains
LEAST_CONFIDENCE = 0.6  # a weak label below is not worth showing
Votes = Mapping[str, str]


class Voters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each voter is right when it speaks, 0 to 1."""

    graph: float
    text: float
    code: float


def shipped_voters() -> Voters:
    """As measured on public synthetic notes; `resources/weak_labels.toml` says how."""
    text = files("resources").joinpath("weak_labels.toml").read_text("utf-8")
    try:
        return msgspec.convert(tomllib.loads(text)["accuracy"], Voters)
    except (KeyError, tomllib.TOMLDecodeError, msgspec.ValidationError):
        raise ModelFileError("weak_labels.toml can't be read; install the program again") from None


def weak_labels(
    vault: Vault, service: DiagnosisService, names: DiseaseNames, *, today: date
) -> Iterator[WeakLabel]:
    """For each patient without a confirmed disease the joined vote, where it is sure enough.

    A disease that a clinician rejected is never one.
    """
    voters = shipped_voters()
    for chart, events in vault.every_chart():
        word = standing_word(chart.diagnoses)
        if word.confirmed:
            continue
        votes = cast_votes(
            service, service.presentation(chart, current_annotations(events), today=today), names
        )
        coded = [names.one(d) for d in coded_diseases(chart.conditions)]
        if len(set(coded)) == 1:
            votes[CODE] = coded[0]
        disease, confidence = joined(votes, voters)
        if confidence >= LEAST_CONFIDENCE and disease not in {names.one(d) for d in word.rejected}:
            sources = tuple(sorted(v for v, said in votes.items() if said == disease))
            yield WeakLabel(chart.patient.id, disease, confidence, sources)


def cast_votes(service: DiagnosisService, asked: Presentation, names: DiseaseNames) -> dict[str, str]:
    """The disease of each voter that speaks."""
    graph = None
    if asked.findings:
        graph = rank(service.graph, asked.findings, sex=asked.sex, age_days=asked.age_days).total
    observed = observed_count(asked.findings)
    sides = ((GRAPH, graph, None), (TEXT, None, service.text_scores(asked.texts)))
    votes = {}
    for voter, by_graph, by_text in sides:
        disease = _first(service, by_graph, by_text, observed=observed)
        if disease:
            votes[voter] = names.one(disease)
    return votes


def joined(votes: Votes, voters: Voters) -> tuple[str, float]:
    """The likeliest disease and how sure it is (0 to 1); an empty one where nobody speaks.

    Odds of a disease against `none of them`: the product over voters of accuracy / (1 - accuracy), for
    those who name it; `none of them` stands at 1.
    """
    odds: dict[str, float] = {}
    for voter, disease in votes.items():
        accuracy = min(max(getattr(voters, voter), 0.01), 0.99)
        odds[disease] = odds.get(disease, 0.0) + math.log(accuracy / (1 - accuracy))
    if not odds:
        return "", 0.0
    best = max(odds, key=odds.__getitem__)
    return best, math.exp(odds[best]) / (1 + sum(map(math.exp, odds.values())))


def measure_voters(
    service: DiagnosisService, notes: Iterable[KnownNote], names: DiseaseNames
) -> dict[str, tuple[int, float]]:
    """Of each voter on notes whose disease is known: how often it speaks, and its accuracy then."""
    right: dict[str, list[bool]] = {GRAPH: [], TEXT: []}
    for note in notes:
        asked = Presentation(
            read_findings(service.recogniser, note.text, age_days=note.age_days),
            (note.text,),
            note.sex,
            note.age_days,
        )
        truths = {names.one(t) for t in note.truths}
        for voter, disease in cast_votes(service, asked, names).items():
            right[voter].append(disease in truths)
    return {voter: (len(said), float(np.mean(said)) if said else 0.0) for voter, said in right.items()}


def _first(
    service: DiagnosisService,
    graph: npt.NDArray[np.floating] | None,
    text: npt.NDArray[np.floating] | None,
    *,
    observed: int,
) -> str:
    if graph is None and text is None:
        return ""
    prior = np.ones(len(service.graph.disease_ids))
    fused = fuse(
        graph, text, observed=observed, prior=prior, weights=FusionWeights.load(), shown_as=service.shown_as
    )
    best = int(fused.shown.argmax())
    return service.graph.disease_ids[best] if fused.shown[best] >= SPEAKS_FROM else ""

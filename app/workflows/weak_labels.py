"""Weak labels: what the program's own voters think of patients on whom no clinician has spoken.

The voters (`cast_votes`) are the graph on the findings, the text model on the notes, the fired rules and the
source record's code; hard constraints of sex and age speak against what is named. Votes are joined by log
odds as in data programming (Ratner et al. 2016). How often each voter is right, alone or with another, is
measured on public notes (`measure_voters`), never on the vault's patients, so that no patient changes
another's label.
"""

import math
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib.resources import files

import msgspec

from app.clinical.annotation import current_annotations
from app.clinical.label import WeakLabel
from app.store.vault import Vault
from app.workflows.cast_votes import RULES, Ballot, cast_votes
from app.workflows.diagnose import DiagnosisService
from app.workflows.find_conflicts import DiseaseNames
from app.workflows.standing_word import coded_diseases, standing_word
from ml.errors import ModelFileError

LEAST_CONFIDENCE = 0.6  # a weak label below is not worth showing


class Voters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often each voter is right when it speaks, 0 to 1, and two or more where they are `agreed`.

    `against`: how often what a voter names is wrong where hard constraints speak against it.
    """

    graph: float
    text: float
    code: float
    rules: float
    agreed: float
    against: float


class ShippedVoters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The voters as measured, and the diseases that rules name, by rule."""

    accuracy: Voters
    named: dict[str, str]


def shipped_voters() -> ShippedVoters:
    """As measured on public notes; `resources/weak_labels.toml` says how."""
    text = files("resources").joinpath("weak_labels.toml").read_text("utf-8")
    try:
        return msgspec.convert(tomllib.loads(text), ShippedVoters)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError):
        raise ModelFileError("weak_labels.toml can't be read; install the program again") from None


def weak_labels(
    vault: Vault, service: DiagnosisService, names: DiseaseNames, *, today: date
) -> Iterator[WeakLabel]:
    """For each patient without a confirmed disease the joined vote, where it is sure enough.

    A disease that a clinician rejected is never one.
    """
    shipped = shipped_voters()
    for chart, events in vault.every_chart():
        word = standing_word(chart.diagnoses)
        if word.confirmed:
            continue
        coded = {names.one(d) for d in coded_diseases(chart.conditions)}
        ballot = cast_votes(
            service,
            service.presentation(chart, current_annotations(events), today=today),
            names,
            shipped.named,
            coded=coded.pop() if len(coded) == 1 else "",
        )
        disease, confidence = joined(ballot, shipped.accuracy)
        if confidence >= LEAST_CONFIDENCE and disease not in {names.one(d) for d in word.rejected}:
            yield WeakLabel(chart.patient.id, disease, confidence, *sides_of(ballot, disease))


def joined(ballot: Ballot, voters: Voters) -> tuple[str, float]:
    """The likeliest disease and how sure it is (0 to 1); an empty one where nobody speaks.

    Odds of a disease against `none of those named`, which stands at 1: accuracy / (1 - accuracy) of its best
    voter, or of those who agree, who read the same findings and so do not err independently. Constraints that
    speak against it divide by their own odds.
    """
    logs: dict[str, float] = {}
    for voter, disease in ballot.votes.items():
        said = _log_odds(getattr(voters, voter))
        logs[disease] = max(logs[disease], said, _log_odds(voters.agreed)) if disease in logs else said
    for disease in ballot.against & logs.keys():
        logs[disease] -= _log_odds(voters.against)
    if not logs:
        return "", 0.0
    best = max(logs, key=logs.__getitem__)
    return best, math.exp(logs[best]) / (1 + sum(map(math.exp, logs.values())))


def sides_of(ballot: Ballot, disease: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who made the label, and who speaks against it or for another disease."""
    made_by = {voter for voter, said in ballot.votes.items() if said == disease}
    others = ballot.votes.keys() - made_by
    return tuple(sorted(made_by)), tuple(sorted(others | ({RULES} if disease in ballot.against else set())))


def _log_odds(accuracy: float) -> float:
    held = min(max(accuracy, 0.01), 0.99)
    return math.log(held / (1 - held))

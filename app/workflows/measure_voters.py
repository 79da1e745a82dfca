"""Measures the voters of the weak labels, and what they make together, on notes whose disease is known."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.workflows.cast_votes import Ballot, cast_votes
from app.workflows.diagnose import DiagnosisService
from app.workflows.find_conflicts import DiseaseNames
from app.workflows.suggest_findings import read_findings
from app.workflows.weak_labels import LEAST_CONFIDENCE, ShippedVoters, joined
from app.workflows.weighed import Presentation
from app.workflows.write_notes import KnownNote

Truths = frozenset[str]
Judged = tuple[Ballot, Truths]


@dataclass(frozen=True, slots=True)
class Measured:
    """Of so many times that something was said, the share that was right (0 where nothing was)."""

    times: int
    right: float


@dataclass(frozen=True, slots=True)
class MeasuredVoters:
    """Each voter; two or more where they agree; constraints that speak against a named disease; the labels.

    `confidence` is the labels' mean: where it is the share that is right, the confidences come true.
    """

    voters: dict[str, Measured]
    agreed: Measured
    against: Measured
    labels: Measured
    confidence: float


def measure_voters(
    service: DiagnosisService, notes: Iterable[KnownNote], names: DiseaseNames, shipped: ShippedVoters
) -> MeasuredVoters:
    """Read the notes, let everybody vote, and judge."""
    return judged(list(_ballots(service, notes, names, shipped)), shipped)


def judged(ballots: list[Judged], shipped: ShippedVoters) -> MeasuredVoters:
    """What ballots come to, each with what counts as right."""
    said: dict[str, list[bool]] = {}
    agreed, against, labels, sure = list[bool](), list[bool](), list[bool](), list[float]()
    for ballot, truths in ballots:
        for voter, disease in ballot.votes.items():
            said.setdefault(voter, []).append(disease in truths)
        against += [disease not in truths for disease in ballot.against]
        named = Counter(ballot.votes.values())
        agreed += [disease in truths for disease, voters in named.items() if voters > 1]
        disease, confidence = joined(ballot, shipped.accuracy)
        if confidence >= LEAST_CONFIDENCE:
            labels.append(disease in truths)
            sure.append(confidence)
    return MeasuredVoters(
        {voter: _measured(right) for voter, right in said.items()},
        _measured(agreed),
        _measured(against),
        _measured(labels),
        sum(sure) / len(sure) if sure else 0.0,
    )


def _measured(right: list[bool]) -> Measured:
    return Measured(len(right), sum(right) / len(right) if right else 0.0)


def _ballots(
    service: DiagnosisService, notes: Iterable[KnownNote], names: DiseaseNames, shipped: ShippedVoters
) -> Iterator[Judged]:
    for note in notes:
        found = read_findings(service.recogniser, note.text, age_days=note.age_days)
        asked = Presentation(found, (note.text,), note.sex, note.age_days)
        yield cast_votes(service, asked, names, shipped.named), frozenset(map(names.one, note.truths))

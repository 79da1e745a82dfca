"""What a patient's decisions and coded conditions say of her disease, as they stand now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.record import REFUTED, WITHDRAWN, Coding, Condition

_UNSURE = ("unconfirmed", "provisional", "differential", REFUTED, WITHDRAWN)
_SYSTEMS = (("omim", "OMIM"), ("orpha", "ORPHA"))


@dataclass(frozen=True, slots=True)
class StandingWord:
    """Diseases in the order of their last word: the newest comes last."""

    confirmed: tuple[str, ...]
    rejected: tuple[str, ...]


def standing_word(diagnoses: Iterable[Diagnosis]) -> StandingWord:
    """Fold the log, oldest first; what was withdrawn counts no more."""
    standing: dict[str, Decision] = {}
    for diagnosis in diagnoses:
        standing.pop(diagnosis.disease_id, None)
        standing[diagnosis.disease_id] = diagnosis.decision
    return StandingWord(*(tuple(_with(standing, d)) for d in (Decision.CONFIRMED, Decision.REJECTED)))


def coded_diseases(conditions: Iterable[Condition]) -> tuple[str, ...]:
    """Diseases that the source record codes by OMIM or Orphanet, and does not call unsure; each once."""
    sure = (c for c in conditions if c.verification_status not in _UNSURE)
    found = (disease_of(coding) for condition in sure for coding in condition.codings)
    return tuple(dict.fromkeys(disease for disease in found if disease))


def disease_of(coding: Coding) -> str:
    """`OMIM:154700` of a code however its system is written; empty where it names no disease."""
    number = "".join(c for c in coding.code.rpartition(":")[2] if c.isdigit())
    said = f"{coding.system} {coding.code}".lower()
    prefix = next((prefix for word, prefix in _SYSTEMS if word in said), "")
    return f"{prefix}:{number}" if prefix and number else ""


def _with(standing: dict[str, Decision], decision: Decision) -> Iterator[str]:
    return (disease for disease, said in standing.items() if said is decision)

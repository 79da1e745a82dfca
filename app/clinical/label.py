"""What is guessed of a patient's disease, and what contradicts itself in what is known."""

from dataclasses import dataclass
from enum import StrEnum

from app.clinical.ids import PatientId


@dataclass(frozen=True, slots=True)
class WeakLabel:
    """A disease that the program guesses for a patient of whom no clinician has spoken.

    `confidence` (0 to 1) is how often such a guess is right; `sources` name who says so, `against` who speaks
    against it or for another disease.
    """

    patient_id: PatientId
    disease_id: str
    confidence: float
    sources: tuple[str, ...]
    against: tuple[str, ...] = ()


class ConflictKind(StrEnum):
    """What contradicts itself, in words for a person."""

    BOTH_WAYS = "one disease confirmed and rejected"
    SEVERAL = "more than one disease confirmed"
    CODED_REJECTED = "coded in the record, but rejected"
    CODED_OTHERWISE = "another disease coded in the record"
    FINDING_BOTH_WAYS = "one finding marked present and absent in one note"
    ONE_PERSON_TWICE = "same name and date of birth, another disease"


@dataclass(frozen=True, slots=True)
class LabelConflict:
    """Something for a person to look at; `about` are ids of diseases, terms, or the other patient."""

    patient_id: PatientId
    kind: ConflictKind
    about: tuple[str, ...]

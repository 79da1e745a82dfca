"""What is known of a patient's disease, by whom, and how surely: the label that a model may learn from.

Kinds are never mixed: a confirmed label is a clinician's word, a coded one the source record's, a weak one
a guess of the program.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.clinical.ids import PatientId


class LabelKind(StrEnum):
    """Where a label comes from."""

    CONFIRMED = "confirmed"
    CODED = "coded"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class PatientLabel:
    """A disease for a patient. `confidence` is 1 for a clinician's word; `sources` name who says so."""

    patient_id: PatientId
    disease_id: str
    kind: LabelKind
    confidence: float = 1.0
    sources: tuple[str, ...] = ()


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

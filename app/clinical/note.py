"""A clinical note: immutable text. Offsets into it count Unicode code points."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from app.clinical.ids import EncounterId, NoteId, PatientId


class ErrorReason(StrEnum):
    """Why a note should not be in a chart, in words for a person."""

    WRONG_PATIENT = "written for another patient"
    WRITTEN_TWICE = "written twice"
    WRONG_CONTENT = "what it says is wrong"
    WRONG_DATE = "its date or kind is wrong"
    OTHER = "another reason"


@dataclass(frozen=True, slots=True)
class EnteredInError:
    """That a note is kept and counts nowhere (FHIR status `entered-in-error`): why, by whom, since when."""

    reason: ErrorReason
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Note:
    """One document of the chart; `text` never changes once it is in the vault."""

    id: NoteId
    patient_id: PatientId
    text: str
    title: str = ""
    written_at: str = ""
    encounter_id: EncounterId | None = None
    author: str = ""
    in_error: EnteredInError | None = None

    @property
    def sha256(self) -> str:
        """Hash of the UTF-8 text, hexadecimal."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

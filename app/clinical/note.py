"""A clinical note: immutable text. Offsets into it count Unicode code points."""

import hashlib
from dataclasses import dataclass

from app.clinical.ids import EncounterId, NoteId, PatientId


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

    @property
    def sha256(self) -> str:
        """Hash of the UTF-8 text, hexadecimal."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()

"""Identifiers of clinical records inside one vault.

An id is derived from where the record came from, so that the same file imported twice gives
the same ids.
"""

from typing import NewType
from uuid import UUID, uuid5

RecordId = NewType("RecordId", str)
PatientId = NewType("PatientId", str)
EncounterId = NewType("EncounterId", str)
NoteId = NewType("NoteId", str)
AnnotationId = NewType("AnnotationId", str)

_NAMESPACE = UUID("7b1fd0c4-6d0e-5b8e-9a53-2c35c0f1a1d7")


def record_id(*origin: str) -> str:
    """A stable id from the parts that name a record at its origin (UUID version 5)."""
    return str(uuid5(_NAMESPACE, "\x1f".join(origin)))

"""The name under which the vault keeps a note that was begun when it was locked: one a patient and person."""

from app.clinical.ids import PatientId


def draft_name(patient_id: PatientId | str, user: str = "") -> str:
    """The setting's name; without a user, what the names of all drafts about a patient begin with."""
    return f"note-draft {patient_id} {user}"

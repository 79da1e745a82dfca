"""Takes a note out of all that counts, since it was entered in error, and lets it count again; both audited.

The note, its marks and their log stay. The reason is one of a few, never free text: logs are exported.
"""

from app.clinical.ids import NoteId
from app.clinical.note import ErrorReason
from app.errors import UsageError
from app.store.annotation_log import count_findings
from app.store.patient_query import read_note
from app.store.rights import Right
from app.store.vault import Vault

IN_ERROR, COUNTS_AGAIN = "note-entered-in-error", "note-counts-again"


def mark_in_error(vault: Vault, note_id: NoteId, reason: ErrorReason) -> None:
    """From now on the note counts nowhere. Raises PolicyError, UsageError for one so marked already."""
    vault.require(Right.WRITE)
    session = vault.session()
    note = read_note(session, note_id)
    if note.in_error is not None:
        raise UsageError("this note is marked as entered in error already; open the patient again to see why")
    with session.transaction(IN_ERROR, note.patient_id, f"note {note_id}: {reason}") as connection:
        connection.execute(
            "INSERT INTO note_in_error SELECT number, ?, ?, ? FROM note WHERE id = ?",
            (str(reason), vault.user, session.now(), note_id),
        )
        count_findings(session, note.patient_id)


def let_count_again(vault: Vault, note_id: NoteId) -> None:
    """The note was right after all. Raises PolicyError, UsageError for one that counts."""
    vault.require(Right.WRITE)
    session = vault.session()
    note = read_note(session, note_id)
    if note.in_error is None:
        raise UsageError("this note is not marked as entered in error; nothing was changed")
    with session.transaction(COUNTS_AGAIN, note.patient_id, f"note {note_id}") as connection:
        connection.execute(
            "DELETE FROM note_in_error WHERE number = (SELECT number FROM note WHERE id = ?)", (note_id,)
        )
        count_findings(session, note.patient_id)

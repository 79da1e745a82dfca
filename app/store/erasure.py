"""Erases a patient (GDPR, article 17): rows, full-text index, write-ahead log, free pages, training states.

What stays: the audit log's record ids (that she was here, and was erased), the privacy ledger, models
that were trained with differential privacy, and every backup made before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.errors import UsageError, VaultError
from app.store.database import Connection, DatabaseError, remove_former_schemas
from app.store.durable_file import sync_folder
from app.store.note_draft import draft_name
from app.store.rights import Right
from app.store.vault import Vault

_OWN_TABLES = ("annotation_event", "diagnosis", "record", "note")
_BY_NOTE = "note_id IN (SELECT id FROM note WHERE patient_id = ?)"  # the log has an index by note alone
_APPEND_ONLY = ("annotation_event_is_kept",)
_REINDEX = (
    "INSERT INTO note_search (note_search) VALUES ('rebuild')",
    "INSERT INTO note_pairs (note_pairs) VALUES ('delete-all')",
    """INSERT INTO note_pairs (rowid, pairs)
       SELECT number, character_pairs(title || ' ' || text) FROM note
       WHERE character_pairs(title || ' ' || text) <> ''""",
)


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """How many rows of each table are gone, and how many training states."""

    rows: dict[str, int]
    training_states: int


def erase_patient(vault: Vault, patient_id: str) -> ErasureReport:
    """Erase all that the vault holds of a patient. Raises UsageError for an unknown id.

    Others must have closed the vault: the log and the free pages are overwritten at once.
    """
    vault.require(Right.ERASE)
    if not vault.has_patient(patient_id):
        raise UsageError("there is no patient with this id in the vault; see the patient list")
    session = vault.session()
    with session.transaction("patient-erased", patient_id) as connection:
        rows = _delete_rows(connection, patient_id)
        for statement in _REINDEX:
            connection.execute(statement)
    _overwrite_log(session.connection())
    return ErasureReport(rows, _remove_training_states(vault))


def _delete_rows(connection: Connection, patient_id: str) -> dict[str, int]:
    connection.execute(
        """DELETE FROM superseded WHERE id = ?1 OR id IN (SELECT id FROM record WHERE patient_id = ?1)""",
        (patient_id,),
    )
    connection.execute(
        "DELETE FROM note_in_error WHERE number IN (SELECT number FROM note WHERE patient_id = ?)",
        (patient_id,),
    )
    counts: dict[str, int] = {}
    with _may_delete(connection):
        for table in _OWN_TABLES:
            where = _BY_NOTE if table == "annotation_event" else "patient_id = ?"
            counts[table] = connection.execute(f"DELETE FROM {table} WHERE {where}", (patient_id,)).rowcount
    begun = draft_name(patient_id)
    connection.execute("DELETE FROM setting WHERE substr(name, 1, length(?1)) = ?1", (begun,))
    counts["patient"] = connection.execute("DELETE FROM patient WHERE id = ?", (patient_id,)).rowcount
    return counts


@contextmanager
def _may_delete(connection: Connection) -> Iterator[None]:
    """Inside the caller's transaction, without the triggers that keep the logs append-only."""
    marks = ", ".join("?" * len(_APPEND_ONLY))
    triggers = connection.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name IN ({marks})", _APPEND_ONLY
    ).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in triggers:
        connection.execute(sql)


def _overwrite_log(connection: Connection) -> None:
    """Freed bytes are zeroed by `secure_delete`; the log that still holds them is folded in and cut."""
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except DatabaseError as error:
        raise VaultError(_UNFINISHED) from error
    if busy:
        raise VaultError(_UNFINISHED)


_UNFINISHED = (
    "the patient is erased, but her encrypted bytes stay in the write-ahead log while another window "
    "reads; close it, then open and close this vault once"
)


def _remove_training_states(vault: Vault) -> int:
    """Checkpoints of unfinished runs, and databases kept from before a migration."""
    states = sorted(vault.models_dir.glob("*.checkpoint*"))
    for state in states:
        state.unlink(missing_ok=True)
    if states:
        sync_folder(vault.models_dir)
    remove_former_schemas(vault.path)
    return len(states)

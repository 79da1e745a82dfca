"""Keeps a note that is not finished when the vault locks: in the vault alone, until it is saved or left."""

from dataclasses import replace

import msgspec

from app.clinical.ids import PatientId
from app.exchange.strict_json import storable_text
from app.store.note_draft import draft_name
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.write_note import TypedNote


def keep_draft(vault: Vault, patient_id: PatientId, typed: TypedNote) -> None:
    """Keep this person's draft about a patient; not where the chart holds its words by now."""
    vault.require(Right.WRITE)
    text = storable_text(typed.text)
    if any(note.text == text for note in vault.chart(patient_id).notes):
        return
    kept = replace(typed, text=text, day=storable_text(typed.day), kind=storable_text(typed.kind))
    _set(vault, patient_id, msgspec.json.encode(kept).decode("utf-8"), action="note-draft-kept")


def read_draft(vault: Vault, patient_id: PatientId) -> TypedNote | None:
    """This person's draft about a patient, if one waits."""
    vault.require(Right.WRITE)
    kept = vault.setting(draft_name(patient_id, vault.user))
    return None if kept is None else msgspec.json.decode(kept, type=TypedNote)


def forget_draft(vault: Vault, patient_id: PatientId) -> None:
    """It was saved or thrown away."""
    if read_draft(vault, patient_id) is not None:
        _set(vault, patient_id, None, action="note-draft-forgotten")


def _set(vault: Vault, patient_id: PatientId, value: str | None, *, action: str) -> None:
    name = draft_name(patient_id, vault.user)
    vault.set_setting(name, value, action=action, record_id=patient_id, detail="")

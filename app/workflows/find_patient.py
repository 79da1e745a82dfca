"""Finds the patient that a person at the command line means: by id, or by words of name and record number."""

from app.clinical.ids import PatientId
from app.errors import UsageError
from app.store.patient_query import PatientFilter, PatientRow
from app.store.vault import Vault


def find_patient(vault: Vault, asked: str) -> PatientId:
    """The patient with this id, or the only one whose name and identifiers hold every word of `asked`.

    Raises UsageError where nobody or more than one fits; the message does not repeat what was asked,
    since it may be a name.
    """
    if vault.has_patient(asked):
        return PatientId(asked)
    wanted = PatientFilter(asked)
    fitting = vault.patients(wanted, limit=2) if asked.strip() else []
    if len(fitting) == 1:
        return fitting[0].id
    if not fitting:
        raise UsageError("no patient of the vault fits; `anamnesis patients` lists ids and names")
    count = vault.patient_count(wanted)
    raise UsageError(f"{count} patients fit; name the one you mean by her id (`anamnesis patients`)")


def patient_page(vault: Vault, asked: str, *, limit: int, offset: int) -> tuple[list[PatientRow], int]:
    """One page of the patients that fit, by name, and how many fit in all."""
    wanted = PatientFilter(asked)
    return vault.patients(wanted, limit=limit, offset=offset), vault.patient_count(wanted)

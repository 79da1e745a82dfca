"""Adds a patient whose data a clinician typed: the record that an import would make."""

from dataclasses import dataclass
from datetime import date

from app.clinical.ids import PatientId, record_id
from app.clinical.patient import Identifier, Patient, called
from app.errors import UsageError
from app.store.rights import Right
from app.store.vault import Vault
from app.workflows.typed_words import typed_day, typed_line
from knowledge_graph.findings.finding import Sex

LONGEST_NAME, LONGEST_NUMBER = 200, 64


@dataclass(frozen=True, slots=True)
class TypedPatient:
    """What was typed; `birth_date` in any certain form, perhaps only a year."""

    name: str
    record_number: str = ""
    birth_date: str = ""
    sex: Sex = Sex.UNKNOWN


@dataclass(frozen=True, slots=True)
class NumberTaken:
    """Nothing was filed: somebody has this record number; `holder` is who, as lists call her."""

    holder: str


def write_patient(
    vault: Vault, typed: TypedPatient, *, today: date, at: str, second: bool = False
) -> PatientId | NumberTaken:
    """File a patient; a second one of a record number only where `second` says so.

    A table or text that is imported later under the same number finds her by it. Raises UsageError,
    PolicyError or VaultError.
    """
    vault.require(Right.WRITE)
    name = typed_line(typed.name, longest=LONGEST_NAME, what="the name")
    if not name:
        raise UsageError("the patient has no name yet; type it")
    number = typed_line(typed.record_number, longest=LONGEST_NUMBER, what="the record number")
    born = typed_day(typed.birth_date, today, what="the birth date")
    holders = vault.numbered_patients(number) if number else []
    if holders and not second:
        born_then = holders[0].birth_date
        return NumberTaken(called(holders[0].name, f"born {born_then}" if born_then else ""))
    own = record_id("table", number)  # the id that a table or a text of this number leads to
    if not number or holders or vault.has_patient(own):
        own = record_id("written patient", vault.user, at)
    numbers = (Identifier("", number),) if number else ()
    vault.put_written(Patient(PatientId(own), name, born, typed.sex, identifiers=numbers))
    return PatientId(own)

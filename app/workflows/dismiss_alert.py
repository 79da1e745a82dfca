"""Puts a clinician's word on an alert into the audit log: who, which rule, what kind of reason."""

from enum import StrEnum

from app.clinical.ids import PatientId
from app.store.rights import Right
from app.store.vault import Vault


class DismissReason(StrEnum):
    """Why an alert is put aside: chosen from a list, since free words would hold what a record says."""

    TREATED = "already being treated"
    RULED_OUT = "ruled out"
    WRONG_FINDING = "a finding is wrong or old"
    KNOWN = "long known, nothing new"
    OTHER = "another reason"


def dismiss_alert(vault: Vault, patient_id: PatientId, rule_id: str, reason: DismissReason) -> None:
    """Audit that an alert was put aside. Raises PolicyError, and VaultError where nothing can be written."""
    vault.require(Right.DECIDE)
    vault.audit("alert-dismissed", patient_id, f"rule {rule_id}, reason {reason.name.lower()}")


def restore_alert(vault: Vault, patient_id: PatientId, rule_id: str) -> None:
    """Audit that an alert was brought back. Raises as `dismiss_alert`."""
    vault.require(Right.DECIDE)
    vault.audit("alert-restored", patient_id, f"rule {rule_id}")

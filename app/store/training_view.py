"""What a training run may read of charts: who trains has no right to open them, and learns from them all."""

from app.clinical.annotation import AnnotationEvent
from app.clinical.chart import Chart
from app.clinical.ids import PatientId
from app.store import patient_query
from app.store.rights import Right
from app.store.vault import Vault


def people_to_learn_from(vault: Vault) -> tuple[PatientId, ...]:
    """Every patient's id. Raises PolicyError where the role may not train."""
    vault.require(Right.TRAIN)
    return patient_query.patient_ids(vault.session())


def chart_to_learn_from(vault: Vault, patient_id: PatientId) -> Chart:
    """One chart, for the trainer's process alone, never to be shown. Raises PolicyError."""
    vault.require(Right.TRAIN)
    return patient_query.read_chart(vault.session(), patient_id)


def log_to_learn_from(vault: Vault, patient_id: PatientId) -> tuple[AnnotationEvent, ...]:
    """The annotation logs of a patient's notes that count. Raises PolicyError."""
    vault.require(Right.TRAIN)
    return tuple(patient_query.read_patient_log(vault.session(), patient_id))

"""Whose a FHIR resource is, and where its references lead, for those who turn it into nouns."""

from collections.abc import Callable
from dataclasses import dataclass

from app.clinical.chart import ClinicalRecord
from app.clinical.ids import EncounterId, PatientId, RecordId
from app.clinical.patient import Patient
from app.exchange.fhir_fields import Json

Read = tuple[tuple[ClinicalRecord, ...], list[str]]


def _nothing(_reference: str) -> Json | None:
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """Ids that a resource's references lead to; `resource` finds a medication's code or a Binary."""

    id: RecordId
    patient_id: PatientId
    encounter_id: EncounterId | None = None
    patient: Patient | None = None
    resource: Callable[[str], Json | None] = _nothing

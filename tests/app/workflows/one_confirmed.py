"""A vault's one patient with a confirmed diagnosis: without any, no run begins."""

from app.clinical.diagnosis import Decision, Diagnosis
from app.clinical.ids import PatientId
from app.clinical.patient import Patient
from app.store.vault import Vault
from knowledge_graph.terms.term import DiseaseId


def confirm_one(vault: Vault) -> None:
    """Add her."""
    patient, disease = PatientId("p-1"), DiseaseId("OMIM:154700")
    vault.put_records([Patient(patient, "One Sample")], origin="test")
    vault.record_diagnosis(
        Diagnosis(patient, disease, "Marfan syndrome", Decision.CONFIRMED, "ann", "2026-01-01T00:00:00")
    )

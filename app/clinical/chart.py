"""Everything a vault holds about one patient, in one value."""

from dataclasses import dataclass

from app.clinical.diagnosis import Diagnosis
from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import (
    AllergyIntolerance,
    Condition,
    DiagnosticReport,
    Encounter,
    FamilyMemberHistory,
    MedicationRequest,
    Observation,
    PhenotypicFeature,
    Procedure,
)

ClinicalRecord = (
    Patient
    | Encounter
    | Note
    | Condition
    | Observation
    | DiagnosticReport
    | MedicationRequest
    | AllergyIntolerance
    | Procedure
    | FamilyMemberHistory
    | PhenotypicFeature
)


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient's record; each tuple is in time order, oldest first.

    `notes` are those that count; what was entered in error is kept apart.
    """

    patient: Patient
    encounters: tuple[Encounter, ...] = ()
    notes: tuple[Note, ...] = ()
    notes_in_error: tuple[Note, ...] = ()
    conditions: tuple[Condition, ...] = ()
    observations: tuple[Observation, ...] = ()
    reports: tuple[DiagnosticReport, ...] = ()
    medications: tuple[MedicationRequest, ...] = ()
    allergies: tuple[AllergyIntolerance, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    family_history: tuple[FamilyMemberHistory, ...] = ()
    features: tuple[PhenotypicFeature, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()

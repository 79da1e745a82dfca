"""What a chart holds beside its notes: the FHIR R4 resources that a diagnosis can use."""

from dataclasses import dataclass

from app.clinical.ids import EncounterId, PatientId, RecordId
from knowledge_graph.findings.finding import Finding

WITHDRAWN = "entered-in-error"  # the status of a record that its sender took back; kept, never counted
REFUTED = "refuted"  # the verification status of what was looked for and is not there


@dataclass(frozen=True, slots=True)
class Coding:
    """A code in a system (FHIR `Coding`): `http://loinc.org`, `718-7`, `Hemoglobin`."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured amount with its unit (UCUM where the source gave it)."""

    value: float
    unit: str = ""
    comparator: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """Where a laboratory value is taken for normal; either end may be open."""

    low: float | None = None
    high: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Encounter:
    """A visit or stay (FHIR `Encounter`); times are ISO 8601 text as given."""

    id: EncounterId
    patient_id: PatientId
    kind: str = ""
    started_at: str = ""
    ended_at: str = ""
    reason: str = ""
    codings: tuple[Coding, ...] = ()
    status: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A problem or diagnosis from the source record (FHIR `Condition`)."""

    id: RecordId
    patient_id: PatientId
    label: str
    codings: tuple[Coding, ...] = ()
    encounter_id: EncounterId | None = None
    onset: str = ""
    abatement: str = ""
    clinical_status: str = ""
    verification_status: str = ""
    recorded_at: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """A measurement or simple assertion (FHIR `Observation`); components are flattened."""

    id: RecordId
    patient_id: PatientId
    label: str
    codings: tuple[Coding, ...] = ()
    encounter_id: EncounterId | None = None
    effective_at: str = ""
    quantity: Quantity | None = None
    value_text: str = ""
    reference_range: ReferenceRange | None = None
    interpretation: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class DiagnosticReport:
    """A report over observations (FHIR `DiagnosticReport`); its attached text is a Note."""

    id: RecordId
    patient_id: PatientId
    label: str
    codings: tuple[Coding, ...] = ()
    encounter_id: EncounterId | None = None
    issued_at: str = ""
    conclusion: str = ""
    observation_ids: tuple[RecordId, ...] = ()
    status: str = ""


@dataclass(frozen=True, slots=True)
class MedicationRequest:
    """A prescription (FHIR `MedicationRequest`)."""

    id: RecordId
    patient_id: PatientId
    label: str
    codings: tuple[Coding, ...] = ()
    encounter_id: EncounterId | None = None
    authored_at: str = ""
    status: str = ""
    dosage: str = ""


@dataclass(frozen=True, slots=True)
class AllergyIntolerance:
    """A known allergy or intolerance (FHIR `AllergyIntolerance`)."""

    id: RecordId
    patient_id: PatientId
    label: str
    codings: tuple[Coding, ...] = ()
    encounter_id: EncounterId | None = None
    recorded_at: str = ""
    criticality: str = ""
    reactions: tuple[str, ...] = ()
    clinical_status: str = ""
    verification_status: str = ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """Something done to the patient (FHIR `Procedure`)."""

    id: RecordId
    patient_id: PatientId
    label: str
    codings: tuple[Coding, ...] = ()
    encounter_id: EncounterId | None = None
    performed_at: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True)
class FamilyMemberHistory:
    """A relative's conditions (FHIR `FamilyMemberHistory`)."""

    id: RecordId
    patient_id: PatientId
    relationship: str
    conditions: tuple[str, ...] = ()
    codings: tuple[Coding, ...] = ()
    deceased: bool = False
    status: str = ""


@dataclass(frozen=True, slots=True)
class PhenotypicFeature:
    """A coded finding that came with the record (GA4GH phenopacket `PhenotypicFeature`)."""

    id: RecordId
    patient_id: PatientId
    finding: Finding
    label: str = ""

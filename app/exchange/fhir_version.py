"""Recognises FHIR versions other than R4 by what only they have, and refuses them by name."""

from typing import Any

from app.errors import ImportRefused

Json = dict[str, Any]
_NAMES = {"0.": "DSTU1", "1.": "DSTU2", "3.": "STU3", "4.": "R5 ballot", "5.": "R5", "6.": "R6"}
_DSTU2_TYPES = {"MedicationOrder", "DiagnosticOrder", "Conformance", "DeviceUseRequest"}
_STU3_TYPES = {"ProcedureRequest", "ReferralRequest", "BodySite", "ProcessRequest", "DataElement", "Sequence"}
_R5_TYPES = {"ActorDefinition", "BiologicallyDerivedProductDispense", "DeviceDispense", "EncounterHistory",
             "FormularyItem", "GenomicStudy", "ImagingSelection", "InventoryItem", "NutritionIntake",
             "Permission", "Requirements", "Transport", "TestPlan", "ArtifactAssessment"}  # fmt: skip


def check_is_r4(resource: Json, *, name: str) -> None:
    """Raise ImportRefused where a resource says or shows that it is of another version."""
    found = other_version(resource)
    if found:
        raise ImportRefused(f"{name}: this is FHIR {found}; this program reads FHIR R4: export it as R4")


def other_version(resource: Json) -> str:
    """The name of the other version, or empty."""
    stated = resource.get("fhirVersion")
    for text in stated if isinstance(stated, list) else [stated]:
        if isinstance(text, str) and not text.startswith(("4.0", "4.1", "4.3")):
            return next((n for start, n in _NAMES.items() if text.startswith(start)), text[:10])
    kind = resource.get("resourceType")
    if kind in _DSTU2_TYPES:
        return "DSTU2"
    if kind in _STU3_TYPES:
        return "STU3"
    if kind in _R5_TYPES:
        return "R5"
    return _by_shape(resource, str(kind))


def _by_shape(resource: Json, kind: str) -> str:
    """Fields that one version alone has, in the resources that this program reads."""
    if kind == "Condition" and isinstance(resource.get("clinicalStatus"), str):
        return "STU3" if "assertedDate" in resource or "subject" in resource else "DSTU2"
    if kind == "AllergyIntolerance" and isinstance(resource.get("clinicalStatus"), str):
        return "STU3"
    if kind == "AllergyIntolerance" and "substance" in resource and "code" not in resource:
        return "DSTU2"
    if kind == "DocumentReference" and ("indexed" in resource or "class" in resource):
        return "STU3"
    if kind == "Encounter" and isinstance(resource.get("class"), list):
        return "R5"
    if kind == "Encounter" and isinstance(resource.get("class"), str):
        return "DSTU2"
    if kind == "MedicationRequest" and isinstance(resource.get("medication"), dict):
        return "R5"
    if kind == "Procedure" and ("occurrenceDateTime" in resource or "occurrencePeriod" in resource):
        return "R5"
    if kind == "Patient" and "animal" in resource:
        return "STU3"
    return ""

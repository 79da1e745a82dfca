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
_ANY = (dict, list, str, bool)
_Shape = dict[str, type | tuple[type, ...]]
# What no R4 resource of the kind has: a field, or a type of a field.
_ONLY_IN: dict[str, tuple[tuple[str, _Shape], ...]] = {
    "Patient": (("STU3", {"animal": _ANY}),),
    "Condition": (("STU3", {"assertedDate": str, "context": dict}), ("R5", {"participant": list})),
    "AllergyIntolerance": (
        ("STU3", {"clinicalStatus": str, "assertedDate": str}),
        ("R5", {"participant": list, "type": dict}),
    ),
    "Encounter": (
        ("R5", {"class": list, "actualPeriod": dict, "admission": dict}),
        ("DSTU2", {"class": str}),
        ("STU3", {"reason": list, "incomingReferral": list}),
    ),
    "Observation": (
        ("STU3", {"interpretation": dict, "context": dict, "related": list, "comment": str, "comments": str}),
        ("R5", {"triggeredBy": list}),
    ),
    "DiagnosticReport": (
        ("STU3", {"codedDiagnosis": list, "image": list, "context": dict}),
        ("R5", {"study": list, "supportingInfo": list}),
    ),
    "DocumentReference": (
        ("STU3", {"indexed": str, "class": dict, "created": str}),
        ("R5", {"context": list, "event": list, "attester": list, "facilityType": dict, "modality": list}),
    ),
    "Composition": (("STU3", {"class": dict}),),
    "MedicationRequest": (("R5", {"medication": dict}), ("STU3", {"context": dict, "definition": list})),
    "MedicationStatement": (
        ("R5", {"medication": dict, "adherence": dict}),
        ("STU3", {"taken": str, "reasonNotTaken": list}),
        ("DSTU2", {"wasNotTaken": bool}),
    ),
    "Procedure": (
        (
            "R5",
            {"occurrenceDateTime": str, "occurrencePeriod": dict, "occurrenceString": str, "recorded": str},
        ),
        ("STU3", {"notDone": bool, "context": dict, "definition": list}),
        ("DSTU2", {"notPerformed": bool}),
    ),
    "FamilyMemberHistory": (
        ("STU3", {"gender": str, "notDone": bool, "definition": list}),
        ("R5", {"participant": list}),
    ),
}


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
            return next((n for start, n in _NAMES.items() if text.startswith(start)), "of an unknown version")
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
    if kind == "AllergyIntolerance" and "substance" in resource and "code" not in resource:
        return "DSTU2"
    for version, fields in _ONLY_IN.get(kind, ()):
        for name, types in fields.items():
            if isinstance(resource.get(name), types):
                return version
    return ""

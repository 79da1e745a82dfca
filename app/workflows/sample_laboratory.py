"""Invents laboratory values that agree with a synthetic patient's findings."""

from collections.abc import Mapping, Sequence

import numpy as np

from app.clinical.ids import PatientId, RecordId, record_id
from app.clinical.record import Coding, Encounter, Observation, Quantity, ReferenceRange
from app.workflows.read_laboratory import LOINC
from knowledge_graph.findings.finding import Finding, FindingState
from knowledge_graph.rules.laboratory import term_for
from knowledge_graph.rules.rule import LaboratoryRule

# LOINC code: name, unit (UCUM), usual range of adults
_TESTS = {
    "718-7": ("Hemoglobin", "g/dL", 12.0, 16.5),
    "777-3": ("Platelets", "10*3/uL", 150.0, 400.0),
    "6690-2": ("Leukocytes", "10*3/uL", 4.0, 11.0),
    "2951-2": ("Sodium", "mmol/L", 135.0, 145.0),
    "2160-0": ("Creatinine", "mg/dL", 0.5, 1.2),
    "1742-6": ("Alanine aminotransferase", "U/L", 7.0, 45.0),
}


def sample_laboratory(
    patient_id: PatientId,
    encounter: Encounter,
    findings: Sequence[Finding],
    rng: np.random.Generator,
    *,
    rules: Mapping[str, LaboratoryRule],
) -> tuple[Observation, ...]:
    """A short panel at an encounter, out of range where an observed finding says so."""
    observed = {f.term_id for f in findings if f.state is FindingState.OBSERVED}
    panel = []
    for code, (name, unit, low, high) in _TESTS.items():
        rule = rules.get(code)
        value = float(rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low)))
        if rule is not None and term_for(rule, "low") in observed:
            value = low * float(rng.uniform(0.6, 0.9))
        elif rule is not None and term_for(rule, "high") in observed:
            value = high * float(rng.uniform(1.2, 2.0))
        panel.append(
            Observation(
                id=RecordId(record_id("observation", patient_id, code)),
                patient_id=patient_id,
                label=name,
                codings=(Coding(LOINC, code, name),),
                encounter_id=encounter.id,
                effective_at=encounter.started_at,
                quantity=Quantity(round(value, 1), unit),
                reference_range=ReferenceRange(low, high),
                status="final",
            )
        )
    return tuple(panel)

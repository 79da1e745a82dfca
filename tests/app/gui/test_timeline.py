"""The timeline says of each entry what takes it back."""

from app.clinical.chart import Chart
from app.clinical.ids import PatientId, RecordId
from app.clinical.patient import Patient
from app.clinical.record import (
    AllergyIntolerance,
    Condition,
    FamilyMemberHistory,
    Observation,
    Quantity,
    ReferenceRange,
)
from app.gui.patient.timeline import timeline

P = PatientId("p")


def test_what_was_refuted_or_withdrawn_says_so_first() -> None:
    high = Quantity(9.0, "mg/L")
    chart = Chart(
        Patient(P),
        conditions=(Condition(RecordId("c"), P, "Gout", (), None, "", "", "", "refuted", "2020-01-02"),),
        allergies=(AllergyIntolerance(RecordId("a"), P, "Nuts", verification_status="entered-in-error"),),
        observations=(
            Observation(
                RecordId("o"), P, "CRP", quantity=high, reference_range=ReferenceRange(high=5.0),
                status="entered-in-error",
            ),
        ),
        family_history=(FamilyMemberHistory(RecordId("f"), P, "mother", ("Stroke",), status="completed"),),
    )  # fmt: skip
    entries = {e.title: e for e in timeline(chart)}
    assert (entries["Gout"].detail, entries["Gout"].day) == ("refuted", "2020-01-02")
    assert entries["Nuts"].detail == "entered in error"
    assert (entries["CRP"].detail, entries["CRP"].alert) == ("entered in error: 9 mg/L", False)
    assert entries["mother"].detail == "Stroke"


def test_an_allergy_tells_its_reactions_and_a_relative_that_he_has_died() -> None:
    nuts = AllergyIntolerance(
        RecordId("a"), P, "Nuts", criticality="high", reactions=("Anaphylaxis", "Hives")
    )
    father = FamilyMemberHistory(RecordId("f"), P, "father", ("Stroke",), deceased=True)
    details = {
        e.title: e.detail for e in timeline(Chart(Patient(P), allergies=(nuts,), family_history=(father,)))
    }
    assert details == {"Nuts": "Anaphylaxis, Hives, high risk", "father": "Stroke, has died"}

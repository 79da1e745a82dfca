"""A patient's own name and numbers leave a text; the medicine stays."""

import pytest

from app.clinical.ids import PatientId
from app.clinical.patient import Identifier, Patient
from app.workflows.mask_names import mask_names

ADA = Patient(
    id=PatientId("p-0001"),
    name="Ada  Zebedia Long",
    identifiers=(Identifier("urn:mrn", "MRN-4711"), Identifier("urn:x", "7")),
)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ADA ZEBEDIA LONG has a long face.", "the patient has a long face."),
        ("ada zebedia long", "the patient"),
        ("Ada\nZebedia Long: fever", "the patient: fever"),
        ("Ms Long, mrn-4711, was seen.", "Ms the patient, (number), was seen."),
        ("Zebedia's arm", "the patient's arm"),
        ("Long, Ada", "the patient, the patient"),
        ("Adalimumab 7 mg", "Adalimumab 7 mg"),
        ("record p-0001", "record (number)"),
        ("no name here", "no name here"),
        ("", ""),
    ],
)
def test_her_name_and_numbers_are_taken_out(text: str, masked: str) -> None:
    assert mask_names(text, ADA) == masked


@pytest.mark.parametrize("name", ["", "  ", "X", "7", "Dr", "a.*b (c"])
def test_a_name_that_is_none_masks_nothing_else(name: str) -> None:
    assert mask_names("X has 7 of .* and (c", Patient(PatientId("p"), name=name)) in (
        "X has 7 of .* and (c",
        "X has 7 of .* and the patient",
    )

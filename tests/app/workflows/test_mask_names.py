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


@pytest.mark.parametrize(
    ("name", "text", "masked"),
    [
        (
            "Li Wu",
            "Ms Wu has chorea; Mr. li too. Dr Liu, wu wei.",
            "Ms the patient has chorea; Mr. the patient too. Dr Liu, wu wei.",
        ),
        ("王芳", "患者王芳 has chorea", "患者the patient has chorea"),
        ("O'Brien, Mary", "Mrs OBrien; Mary O\u2019Brien's", "Mrs the patient; the patient the patient's"),
        ("Anna-Maria Smith", "Anna was seen, annas not", "the patient was seen, annas not"),
        (
            "José García",
            "Jose Garcia; JOSE\u0301 was here; García,",
            "the patient; the patient was here; the patient,",
        ),
        ("Jose Garcia", "José García\u0301 said", "the patient said"),
        ("May Rose", "In May 2020 May came; MAY 3", "In May 2020 the patient came; MAY 3"),
        ("김민준", "김민준님은 fever", "the patient님은 fever"),
    ],
)
def test_other_spellings_of_a_name_are_taken_out(name: str, text: str, masked: str) -> None:
    assert mask_names(text, Patient(PatientId("p-1"), name=name)) == masked


def test_a_number_is_known_by_its_digits() -> None:
    her = Patient(PatientId("p-1"), identifiers=(Identifier("urn:nhs", "943 476 5919"),))
    text = "NHS 9434765919, 943-476-5919, 943 476 5919; not 94347659190 or 943476"
    assert mask_names(text, her) == "NHS (number), (number), (number); not 94347659190 or 943476"


@pytest.mark.parametrize("name", ["", "  ", "X", "7", "Dr", "a.*b (c"])
def test_a_name_that_is_none_masks_nothing_else(name: str) -> None:
    assert mask_names("X has 7 of .* and (c", Patient(PatientId("p"), name=name)) in (
        "X has 7 of .* and (c",
        "X has 7 of .* and the patient",
    )

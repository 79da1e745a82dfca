"""A patient who tells of herself is told from a clinician who writes of her."""

import pytest

from ml.text.own_words import in_own_words


@pytest.mark.parametrize(
    "text",
    [
        "I've had a runny nose for a week and my eyes are itchy.",
        "i have a very bad cough and cant sleep",
        "My son, 4, isn't well. He has a rash on his arms since Monday.",
        "The fever won't go away. I feel weak, and when I get up the room spins.",
    ],
)
def test_whoever_tells_of_herself_or_her_child_is_heard(text: str) -> None:
    assert in_own_words([text])


@pytest.mark.parametrize(
    "text",
    [
        "34F, five days after a long flight. Sudden dyspnoea; left calf swollen. HR 118, RR 26.",
        "Type I diabetes, stage I hypertension. Cranial nerves I to XII intact. Patient says she is tired.",
        "The patient was seen in clinic today. " * 12 + "I discussed the plan with her.",
        "",
    ],
)
def test_a_clinicians_note_is_not_taken_for_a_message(text: str) -> None:
    assert not in_own_words([text])


def test_all_texts_of_a_patient_are_judged_together() -> None:
    letter = "The patient was admitted with chest pain and treated as agreed. " * 20
    assert in_own_words(["I have chest pain."])
    assert not in_own_words(["I have chest pain.", letter])

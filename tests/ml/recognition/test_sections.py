"""A heading speaks for what stands below or behind it, and for no more."""

import pytest

from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Mention, Recogniser

RECOGNISER = Recogniser(Lexicon.build([("T:seizure", ["Seizure"]), ("T:fever", ["Fever"])]))


def last(text: str) -> Mention:
    """The last mention: what a heading before it did to it."""
    return RECOGNISER.mentions(text)[-1]


@pytest.mark.parametrize(
    "text",
    [
        "FAMILY HISTORY: Positive for diabetes. SOCIAL HISTORY: Smoker. REVIEW OF SYSTEMS: Fever.",
        "FAMILY HISTORY: , Unremarkable.,SOCIAL HISTORY: , None.,PHYSICAL EXAMINATION:,GENERAL:  Fever.",
        "Family history: sister with seizures. Review of systems: fever.",
        "Family history: mother had a stroke. Patient has fever.",
        "Family history: seizures in the father. The patient has seizures.",
        "FAMILY HISTORY\rSister has seizures.\r\rFever since Monday.",
        "FAMILY HISTORY\u2028Sister has seizures.\u2028EXAMINATION\u2028Fever.",
        "Family history: none known.  Exam: fever.",
    ],
)
def test_a_family_section_ends_at_the_next_heading_or_at_the_patient(text: str) -> None:
    assert last(text).experiencer == "patient"


@pytest.mark.parametrize(
    "text",
    [
        "SOCIAL HISTORY: Smoker. FAMILY HISTORY: Seizures.",
        ".,FAMILY HISTORY: , Father died from cancer.  He had seizures.,",
        "Exam unremarkable.  Family history: seizures.",
        "Family history:\r\nSeizures.\r\n",
        "EXAM:\r\n\r\nNormal\r\n\r\nFAMILY HISTORY: \r\n\r\nSeizures\r\n",
        "FAMILY HISTORY: \n\nSeizures\n",
        "Family history: the patient's sister has seizures.",
    ],
)
def test_a_family_section_may_begin_inside_a_line(text: str) -> None:
    assert last(text).experiencer == "family"


@pytest.mark.parametrize("text", ["The time was 10:30. Note: fever.", "He said: fever."])
def test_a_colon_alone_makes_no_section(text: str) -> None:
    assert (last(text).experiencer, last(text).state) == ("patient", "observed")


@pytest.mark.parametrize("text", ["HIV\nNegative\nFever since Monday", "NEGATIVE\nFEVER"])
def test_a_result_on_its_own_line_heads_nothing(text: str) -> None:
    assert last(text).state == "observed"

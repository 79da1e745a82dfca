"""In a dialogue, what is asked is no finding before it is answered."""

import pytest

from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Recogniser

RECOGNISER = Recogniser(
    Lexicon.build(
        [("fever", ["Fever"]), ("cough", ["Cough"]), ("ache", ["Headache"]), ("pain", ["Chest pain"])]
    )
)


def read(text: str) -> dict[str, str]:
    """What is said of each term, the last word counting."""
    return {
        m.term_id: "asked" if m.temporality == "hypothetical" else m.state for m in RECOGNISER.mentions(text)
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Doctor: Any fever? Patient: No, none.", {"fever": "excluded"}),
        ("Doctor: Any fever or cough?\nPatient: Nope.", {"fever": "excluded", "cough": "excluded"}),
        ("Doctor: Do you have headaches? \nPatient: Yeah, I do.", {"ache": "observed"}),
        ("[doctor] have you had any chest pain ?\n[patient] um, yes a little", {"pain": "observed"}),
        ("Any fever or cough? Yes.", {"fever": "asked", "cough": "asked"}),
        ("So you have fever and a cough? Yes.", {"fever": "observed", "cough": "observed"}),
        ("Do you have a fever? I am not sure.", {"fever": "asked"}),
        ("Is the headache worse? No.", {"ache": "asked"}),
        ("When did the headache start? Yesterday.", {"ache": "observed"}),
        ("How long have you had this cough? Two weeks.", {"cough": "observed"}),
        ("Any fever? No. I have a cough.", {"fever": "excluded", "cough": "observed"}),
        (
            "Doctor: Do you have a cough? \nPatient: No, I just have a fever.",
            {"cough": "excluded", "fever": "observed"},
        ),
        ("Do you smoke?\nPatient has fever.", {"fever": "observed"}),
        ("Fever (viral?), cough.", {"fever": "observed", "cough": "observed"}),
        ("Fever in the last week? Nope.", {"fever": "excluded"}),
        ("Doctor: Any fever? Patient: Twice this week.", {"fever": "observed"}),
        ("Doctor: And headaches? Patient: Almost every day.", {"ache": "observed"}),
        ("Doctor: Any fever? Patient: I don't think so.", {"fever": "excluded"}),
        (
            "[doctor] fever [patient] no [doctor] and the cough [patient] at night",
            {"fever": "excluded", "cough": "observed"},
        ),
        ("D: any fever P: no D: any cough P: yes since monday", {"fever": "excluded", "cough": "observed"}),
        ("[doctor] you deny any fever [patient] i had a cough", {"fever": "excluded", "cough": "observed"}),
        ("[doctor] okay fever [patient] no fever at all", {"fever": "excluded"}),
        ("[doctor] i do n't see any fever but there is a cough", {"fever": "excluded", "cough": "observed"}),
        ("any fever - no. any cough - yes", {"fever": "excluded", "cough": "observed"}),
        ("have you had any fever no but i do have a cough", {"fever": "excluded", "cough": "observed"}),
    ],
)
def test_a_question_is_read_by_its_answer(text: str, said: dict[str, str]) -> None:
    assert read(text) == said

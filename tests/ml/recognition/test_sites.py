"""A complaint and a part of the body are one finding, with its place, its denial and nothing borrowed."""

import pytest

from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Recogniser
from ml.recognition.site_table import read_sites

NAMES = (
    "Knee pain",
    "Chest pain",
    "Upper limb pain",
    "Lower limb pain",
    "Jaw pain",
    "Abdominal pain",
    "Neck pain",
    "Foot pain",
    "Pedal edema",
    "Joint swelling",
    "Toe pain",
    "Red eye",
    "Ocular pruritus",
    "Hypoesthesia",
    "Oral ulcer",
    "Erythema",
    "Edema",
    "Dry skin",
    "Hip dysplasia",
)
RECOGNISER = Recogniser(Lexicon.build((name, [name]) for name in NAMES))


def found(text: str) -> list[tuple[str, str, str]]:
    return [(m.term_id, m.text, m.state) for m in RECOGNISER.mentions(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My left knee really hurts.", [("Knee pain", "knee really hurts")]),
        ("unbearable pain in my big toe", [("Toe pain", "pain in my big toe")]),
        ("left calf swollen", [("Pedal edema", "calf swollen")]),
        (
            "a swollen, painful left knee",
            [("Joint swelling", "swollen, painful left knee"), ("Knee pain", "painful left knee")],
        ),
        (
            "Her eyes are red and itchy.",
            [("Red eye", "eyes are red"), ("Ocular pruritus", "eyes are red and itchy")],
        ),
        (
            "pain in the chest, left arm and jaw",
            [
                ("Chest pain", "pain in the chest"),
                ("Upper limb pain", "pain in the chest, left arm"),
                ("Jaw pain", "pain in the chest, left arm and jaw"),
            ],
        ),
        (
            "Pain started around the belly button and moved to the right thigh",
            [
                ("Abdominal pain", "Pain started around the belly button"),
                ("Lower limb pain", "Pain started around the belly button and moved to the right thigh"),
            ],
        ),
        ("I have these sores in my mouth", [("Oral ulcer", "sores in my mouth")]),
        ("his skin has become very dry", [("Dry skin", "skin has become very dry")]),
    ],
)
def test_words_in_between_do_not_part_them(text: str, expected: list[tuple[str, str]]) -> None:
    assert sorted(found(text)) == sorted((term, words, "observed") for term, words in expected)


def test_a_list_of_parts_shares_a_complaint() -> None:
    assert found("Her arms and legs hurt.") == [
        ("Upper limb pain", "arms and legs hurt", "observed"),
        ("Lower limb pain", "legs hurt", "observed"),
    ]


def test_a_part_without_a_term_falls_back_to_the_larger_one() -> None:
    assert found("a swollen instep") == [("Pedal edema", "swollen instep", "observed")]
    terms = read_sites().terms
    assert terms["pain", "calf"] == terms["pain", "leg"]


@pytest.mark.parametrize(
    "text",
    [
        "My legs are not swollen.",
        "no swelling of the calf",
        "Her leg isn't swollen",
        "denies any leg swelling",
    ],
)
def test_a_denial_is_heard_in_front_and_inside(text: str) -> None:
    assert [(term, state) for term, _, state in found(text)] == [("Pedal edema", "excluded")]


@pytest.mark.parametrize(
    "text",
    [
        "The pain is back.",
        "pain medication for her knee surgery",
        "His knee surgery went well and he is sore.",  # nobody said where
        "weak on my feet, and then it hurts",
        "no chest x-ray; painful night",
        "My eyes water, and I have a dry cough.",
        "red sores near my nose",
        "pain from hip dysplasia surgery",
        "blood pressure cuff on the arm",
    ],
)
def test_a_distant_or_other_part_is_not_drawn_in(text: str) -> None:
    assert [t for t, _, _ in found(text) if t != "Hip dysplasia"] == []


def test_a_neighbouring_clause_lends_no_part() -> None:
    assert found("unstable on my feet, and my neck hurts") == [("Neck pain", "neck hurts", "observed")]

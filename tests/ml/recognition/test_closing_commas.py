"""A denial goes on through a list and ends at the comma behind what is no finding: in several styles."""

import pytest

from ml.recognition.closing_commas import closing_commas
from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Recogniser
from ml.recognition.tokens import words_of

RECOGNISER = Recogniser(
    Lexicon.build(
        [
            ("T:fever", ["Fever"]),
            ("T:cough", ["Cough"]),
            ("T:rash", ["Skin rash"]),
            ("T:eyes", ["Sunken eyes"]),
            ("T:lethargy", ["Lethargy"]),
            ("T:vomiting", ["Vomiting"]),
            ("T:faint", ["Loss of consciousness"]),
            ("T:murmur", ["Heart murmur"]),
            ("T:jaundice", ["Jaundice"]),
            ("T:absent", ["Absent speech"]),
            ("T:lost", ["Loss of speech"]),
        ]
    )
)


def read(text: str) -> list[str]:
    """The terms in reading order, a minus before what is denied."""
    return [
        ("-" if m.state == "excluded" else "") + m.term_id.removeprefix("T:")
        for m in RECOGNISER.mentions(text)
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("has not had a wet bed for 12 hours, sunken eyes, lethargy", ["eyes", "lethargy"]),
        ("Blue, not improving with oxygen, heart murmur, vomiting", ["murmur", "vomiting"]),
        ("not vaccinated, fever and cough", ["fever", "cough"]),
        ("She hasn't drunk since noon, sunken eyes", ["eyes"]),
        ("isn't himself, fever, rash", ["fever", "rash"]),
        ("never smoked, cough", ["cough"]),
        ("Non-smoker, cough", ["cough"]),
        ("no relief from paracetamol, fever", ["fever"]),
        ("did not take her insulin, vomiting", ["vomiting"]),
    ],
)
def test_behind_the_comma_stands_what_is_there(text: str, found: list[str]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("no fever, cough or rash", ["-fever", "-cough", "-rash"]),
        ("No fever, cough, rash.", ["-fever", "-cough", "-rash"]),
        ("Denies fever, cough, vomiting, rash", ["-fever", "-cough", "-vomiting", "-rash"]),
        ("She has not had fever, cough, vomiting", ["-fever", "-cough", "-vomiting"]),
        ("without fever, rash", ["-fever", "-rash"]),
        ("was not blue, jaundiced or feverish, no rash", ["-jaundice", "-fever", "-rash"]),
        ("no swelling, fever, rash", ["-fever", "-rash"]),  # what the lexicon lacks may be a finding, too
        ("did not hit his head, vomit", ["-vomiting"]),
        ("I've never had, um, a fever", ["-fever"]),
        ("fever, cough not seen", ["-fever", "-cough"]),
    ],
)
def test_a_list_is_denied_to_its_end(text: str, found: list[str]) -> None:
    assert read(text) == found


def test_a_closed_list_leaves_doubts_and_histories_as_they_are() -> None:
    text = "Previous, not treated for years, fever"
    assert [m.temporality for m in RECOGNISER.mentions(text)] == ["historical"]


def test_the_comma_that_closes_is_the_first_one_unless_it_follows_at_once() -> None:
    text = "not fed today, eyes sunken, floppy"
    words = words_of(text)

    def closing(own: int, last: int = len(words) - 1, named: frozenset[int] = frozenset()) -> list[int]:
        going_on = frozenset({"vomit"})
        return list(closing_commas(text, words, [(own, last)], named=named, going_on=going_on))

    assert closing(0) == [3]
    assert closing(2) == []
    assert closing(0, named=frozenset({1})) == []
    assert closing(0, last=2) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("He couldn't speak for ten minutes", ["lost"]),
        ("could not talk this morning", ["lost"]),
        ("He couldn't find words", []),
        ("She cannot speak", ["absent"]),
        ("has never spoken", ["absent"]),
    ],
)
def test_who_could_not_speak_once_has_not_lacked_speech(text: str, found: list[str]) -> None:
    assert read(text) == found

"""Letters between signs, and abbreviations that mean several things, are read as clinicians mean them."""

import pytest

from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Recogniser

RECOGNISER = Recogniser(
    Lexicon.build(
        [
            (name, [name])
            for name in ("Fever", "Chills", "Nausea", "Vomiting", "Chest pain", "Dyspnea", "Headache")
        ]
    )
)


def read(text: str) -> dict[str, str]:
    return {m.term_id: m.state for m in RECOGNISER.mentions(text)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("N+V since Monday", {"Nausea": "observed", "Vomiting": "observed"}),
        ("No N/V.", {"Nausea": "excluded", "Vomiting": "excluded"}),
        ("neg for f/c/n", {"Fever": "excluded", "Chills": "excluded", "Nausea": "excluded"}),
        ("Denies CP/SOB", {"Chest pain": "excluded", "Dyspnea": "excluded"}),
        ("c/o h/a", {"Headache": "observed"}),
        ("c/d ratio 0.3, s/p fall, w/d, I/O, B/L, 3 n/a", {}),
    ],
)
def test_letters_between_signs_stand_for_findings(text: str, said: dict[str, str]) -> None:
    assert read(text) == said


def test_an_abbreviation_gives_way_to_what_else_the_text_speaks_of() -> None:
    assert read("CP on exertion") == {"Chest pain": "observed"}
    assert read("Cerebral palsy. Her CP is stable.") == {}


def test_an_arrow_says_more_or_less() -> None:
    recogniser = Recogniser(Lexicon.build([("T:thirst", ["Increased thirst"])]))
    assert [m.term_id for m in recogniser.mentions("pt reports ↑thirst")] == ["T:thirst"]

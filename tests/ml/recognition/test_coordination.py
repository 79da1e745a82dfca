"""Words shared across "and" and commas are given to each name, and only where both sides are names."""

import pytest

from ml.recognition.lexicon import SPOKEN, Entry, Lexicon
from ml.recognition.recogniser import Recogniser

RECOGNISER = Recogniser(
    Lexicon.build(
        [
            ("T:kidney", ["Abnormality of the kidney", "Renal anomalies"]),
            ("T:heart", ["Abnormal heart morphology", "Cardiac anomalies"]),
            ("T:lip", ["Cleft lip"]),
            ("T:palate", ["Cleft palate"]),
            ("T:orofacial", ["Orofacial cleft", "Cleft lip and palate"]),
            ("T:conductive", ["Conductive hearing loss"]),
            ("T:mixed", ["Mixed hearing loss"]),
            ("T:sensorineural", ["Sensorineural hearing loss"]),
            ("T:agenesis", ["Renal agenesis"]),
            ("T:hypoplasia", ["Renal hypoplasia"]),
            ("T:pain", ["Abdominal pain"]),
            ("T:distension", ["Abdominal distension"]),
            ("T:speech", ["Delayed speech and language development"]),
            ("T:seizure", ["Seizure"]),
            ("T:short", ["Short stature"]),
            ("T:neck", ["Short neck"]),
        ]
    )
)


def terms(text: str) -> set[str]:
    return {m.term_id for m in RECOGNISER.mentions(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("renal and cardiac anomalies", {"T:kidney", "T:heart"}),
        ("cleft lip and palate", {"T:lip", "T:palate"}),
        ("renal hypoplasia and agenesis", {"T:hypoplasia", "T:agenesis"}),
        ("renal hypoplasia/agenesis", {"T:hypoplasia", "T:agenesis"}),
        ("abdominal pain or distension", {"T:pain", "T:distension"}),
        (
            "sensorineural, conductive or mixed hearing loss",
            {"T:sensorineural", "T:conductive", "T:mixed"},
        ),
        ("delayed speech and language development", {"T:speech"}),
        ("seizures and short stature", {"T:seizure", "T:short"}),
    ],
)
def test_shared_words_are_spelled_out(text: str, expected: set[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    "text", ["short and neck", "cleft. lip and palate", "conductive with mixed tissue and hearing"]
)
def test_no_name_is_put_together_by_chance(text: str) -> None:
    assert terms(text) == set()


def test_a_completed_name_spans_the_words_it_was_put_together_from() -> None:
    text = "She has renal and cardiac anomalies."
    spans = {m.term_id: text[m.start : m.end] for m in RECOGNISER.mentions(text)}
    assert spans == {"T:kidney": "renal and cardiac anomalies", "T:heart": "cardiac anomalies"}


def test_a_negation_reaches_both_halves() -> None:
    assert {m.state for m in RECOGNISER.mentions("No abdominal pain or distension.")} == {"excluded"}


def test_what_cannot_be_done_is_lent_to_the_next_verb() -> None:
    names = {"can't smell": "T:anosmia", "can't taste": "T:ageusia"}
    whole = Lexicon.build([(term, [name]) for name, term in names.items()])
    spoken = {key: Entry(e.term_id, SPOKEN, e.joined) for key, e in whole.tables()[0].items()}
    recogniser = Recogniser(Lexicon(spoken, {}, {}))
    assert {m.term_id for m in recogniser.mentions("can't smell or taste anything")} == {
        "T:anosmia",
        "T:ageusia",
    }

"""How long a finding has lasted gives it the name that HPO has for it, and nothing else does."""

import random

import pytest

from app.workflows.suggest_findings import build_recogniser
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.recognition.durations import _HISTORY, _histories, durations_in, read_durations
from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Recogniser

COUGH, CHRONIC, FEVER, PERSISTENT = "T:1", "T:2", "T:3", "T:4"


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    names = (
        (COUGH, ["Cough"]),
        (CHRONIC, ["Chronic cough"]),
        (FEVER, ["Fever"]),
        (PERSISTENT, ["Persistent fever"]),
    )
    return Recogniser(Lexicon.build(names))


def read(recogniser: Recogniser, text: str, age_days: int | None = None) -> list[tuple[str, str]]:
    return [(m.term_id, m.text) for m in recogniser.mentions(text, age_days=age_days)]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("Cough for 3 months.", "Cough for 3 months"),
        (
            "He has been coughing. The cough has been present for over eight weeks.",
            "cough has been present for over eight weeks",
        ),
        ("Cough x 10 wks", "Cough x 10 wks"),
        ("cough for a couple of months", "cough for a couple of months"),
        ("Cough over the past 3 months", "Cough over the past 3 months"),
        ("A cough that has lasted almost a year.", "cough that has lasted almost a year"),
        ("Three-month history of a worsening cough", "Three-month history of a worsening cough"),
        ("3/12 history of cough", "3/12 history of cough"),
        ("10 weeks of cough", "10 weeks of cough"),
        ("For the last three months I have had a cough.", "For the last three months I have had a cough"),
        ("cough for 3-4 months", "cough for 3-4 months"),
    ],
)
def test_a_cough_that_has_lasted_is_a_chronic_one(recogniser: Recogniser, text: str, marked: str) -> None:
    assert read(recogniser, text)[-1] == (CHRONIC, marked)


@pytest.mark.parametrize(
    "text",
    [
        "Cough for 3 days.",
        "Cough for 8 weeks.",  # HPO: longer than eight weeks
        "Cough for up to 3 months.",
        "Cough for less than 12 weeks.",
        "Cough for months.",
        "Cough 3 months ago.",
        "Cough over 3 months ago.",
        "Cough treated for 3 months with an inhaler.",
        "Cough. For 3 months he smoked.",
        "He was in hospital for 3 months and has a cough.",
        "Smoked for 20 years. Cough.",
        "Cough, takes a tablet for 3 months.",
    ],
)
def test_another_time_leaves_a_cough_a_cough(recogniser: Recogniser, text: str) -> None:
    assert read(recogniser, text)[0][0] == COUGH
    assert CHRONIC not in [term for term, _ in read(recogniser, text)]


def test_a_denied_cough_is_not_a_denied_chronic_one(recogniser: Recogniser) -> None:
    (mention,) = recogniser.mentions("No cough for 3 months.")
    assert (mention.term_id, mention.state) == (COUGH, "excluded")


def test_findings_in_a_list_share_their_duration_but_keep_their_own(recogniser: Recogniser) -> None:
    assert read(recogniser, "Cough and fever for 3 months.") == [
        (CHRONIC, "Cough"),
        (PERSISTENT, "fever for 3 months"),
    ]
    told = read(recogniser, "Fever for 2 days and cough for 3 months.")
    assert [term for term, _ in told] == [FEVER, CHRONIC]
    assert [term for term, _ in read(recogniser, "Fever, cough for 3 months.")] == [FEVER, CHRONIC]


def test_a_child_s_cough_is_chronic_sooner(recogniser: Recogniser) -> None:
    assert read(recogniser, "Cough for 5 weeks.")[0][0] == COUGH
    assert read(recogniser, "Cough for 5 weeks.", age_days=4 * 365)[0][0] == CHRONIC
    assert read(recogniser, "A 4-year-old girl with a cough for 5 weeks.")[-1][0] == CHRONIC
    assert read(recogniser, "A 4-year-old girl with a cough for 5 weeks.", age_days=40 * 365)[-1][0] == COUGH


def test_the_time_of_each_phrase_is_its_least() -> None:
    found = {
        text: next(durations_in(f"cough for {text}")).days
        for text in ("2-3 weeks", "2/7", "6/52", "nearly 10 days")
    }
    assert found == pytest.approx({"2-3 weeks": 14, "2/7": 2, "6/52": 42, "nearly 10 days": 9})


def test_a_history_found_by_its_end_is_the_one_found_by_its_beginning() -> None:
    rng = random.Random(4)
    parts = [
        "3",
        "two",
        "a",
        "couple of",
        "more than",
        "> ",
        "the last",
        "days",
        "week",
        "7/52",
        "3/7",
        "Years’",
    ]
    parts += [
        "history",
        "h/o",
        "of",
        "cough",
        ",",
        "-",
        "–",
        ". ",
        "\n",
        "(",
        "holidays",
        "month's",
        "1.5",
        "éd",
    ]
    for _ in range(3000):
        text = "".join(rng.choice(parts) + rng.choice([" ", " ", "", "-"]) for _ in range(25))
        assert [m.span() for m in _histories(text)] == [m.span() for m in _HISTORY.finditer(text)]


def test_every_name_of_the_table_is_hpo_s_and_the_lasting_one_lies_below(real_graph: CompiledGraph) -> None:
    number = {name: place for place, name in enumerate(real_graph.term_names)}
    for row in read_durations().lasting:
        assert number[row.finding] in real_graph.ancestors[number[row.becomes]]
        assert 0 < row.child_days <= row.days


def test_a_lexicon_without_the_lasting_term_keeps_the_finding() -> None:
    bare = Recogniser(Lexicon.build([(COUGH, ["Cough"])]))
    assert read(bare, "Cough for 3 months.") == [(COUGH, "Cough")]


@pytest.mark.slow
def test_sudden_and_lasting_findings_are_read_as_the_rules_ask_for_them(real_graph: CompiledGraph) -> None:
    recogniser = build_recogniser(real_graph)
    for text, term in (
        ("Sudden severe headache while lifting.", "HP:0030907"),
        ("I suddenly can't see out of my right eye.", "HP:0001117"),
        ("Diarrhoea for six weeks.", "HP:0002028"),
        ("Severe headache, gradual onset over two weeks.", "HP:0002315"),
    ):
        assert [m.term_id for m in recogniser.mentions(text)] == [term]

"""Values in a text find and exclude what their bands say, in the unit they are written in."""

import tomllib
from importlib.resources import files

import pytest

from ml.recognition.lexicon import Lexicon
from ml.recognition.measurements import is_child
from ml.recognition.measures import HIGH, LOW, read_measures
from ml.recognition.recogniser import Recogniser

NAMES = sorted(set(read_measures().names.values()))
TESTS = {
    (test, side): f"{side} {test}"
    for test in ("hemoglobin", "glucose", "potassium", "platelets")
    for side in (LOW, HIGH)
}
RECOGNISER = Recogniser(Lexicon.build(((name, [name]) for name in NAMES), TESTS))


def found(text: str) -> list[tuple[str, str, str]]:
    return [(m.term_id, m.text, m.state) for m in RECOGNISER.mentions(text)]


@pytest.mark.parametrize(
    ("text", "term", "words", "state"),
    [
        ("Vomited twice, temperature 38.1.", "Fever", "temperature 38.1", "observed"),
        ("temp of 101.5 F", "Fever", "temp of 101.5 F", "observed"),
        ("T 98.6", "Fever", "T 98.6", "excluded"),
        ("temperature 36.8", "Fever", "temperature 36.8", "excluded"),
        ("no cough, temperature 38.4", "Fever", "temperature 38.4", "observed"),  # "no" governs no value
        ("temperature 33.9", "Hypothermia", "temperature 33.9", "observed"),
        ("BP 84/50", "Hypotension", "BP 84/50", "observed"),
        ("blood pressure was 150 over 95", "Hypertension", "blood pressure was 150 over 95", "observed"),
        ("BP 126/92", "Hypertension", "BP 126/92", "observed"),
        ("HR 128", "Tachycardia", "HR 128", "observed"),
        ("pulse is 42/min", "Bradycardia", "pulse is 42", "observed"),
        ("RR 26", "Tachypnea", "RR 26", "observed"),
        ("sats 88 % on air", "Hypoxemia", "sats 88", "observed"),
        ("Her BMI is 36.", "Obesity", "BMI is 36", "observed"),
        ("GCS 7/15", "Coma", "GCS 7/15", "observed"),
        ("she gained 8 kg this year", "Increased body weight", "gained 8 kg", "observed"),
        ("lost about ten pounds", "Weight loss", "lost about ten pounds", "observed"),
        ("Hb 8.1 g/dL", "@low hemoglobin", "Hb 8.1", "observed"),
        ("hemoglobin 81 g/L", "@low hemoglobin", "hemoglobin 81", "observed"),
        ("glucose 25 mmol/L", "@high glucose", "glucose 25", "observed"),
        ("blood sugar was 280", "@high glucose", "blood sugar was 280", "observed"),
        ("K 6.8", "@high potassium", "K 6.8", "observed"),
        ("platelets of 26,000", "@low platelets", "platelets of 26,000", "observed"),
    ],
)
def test_a_value_is_read_in_its_unit_and_placed(text: str, term: str, words: str, state: str) -> None:
    assert (term, words, state) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "BP goal < 130/80",
        "vitamin K 5 mg",
        "HR 0.85 (0.7 to 1.0)",
        "pulse 2+ in both feet",
        "temperature 37.7",  # neither fever nor none
        "platelets 200",
        "blood sugar 2 to 3 times a day",
        "T 5/6 vertebra",
        "seen in room 104, BP not taken",
    ],
)
def test_goals_doses_and_normal_values_find_nothing(text: str) -> None:
    assert [f for f in found(text) if f[2] == "observed"] == []


def test_limits_for_adults_are_not_applied_to_children() -> None:
    assert found("A 3-year-old boy, HR 130, RR 30") == []
    assert [t for t, _, _ in found("A 35-year-old man, HR 130, RR 30")] == ["Tachycardia", "Tachypnea"]
    assert [t for t, _, _ in found("The baby has a temperature of 39")] == ["Fever"]


def test_a_known_age_counts_for_more_than_what_the_text_says() -> None:
    child, adult = 15 * 365, 17 * 365
    text = "HR 130"
    assert RECOGNISER.mentions(text, age_days=child) == ()
    for age in (adult, None):
        assert [m.term_id for m in RECOGNISER.mentions(text, age_days=age)] == ["Tachycardia"]
    of_her_boy = "Came with her 3-year-old boy. HR 130"
    assert RECOGNISER.mentions(of_her_boy) == ()
    assert [m.term_id for m in RECOGNISER.mentions(of_her_boy, age_days=adult)] == ["Tachycardia"]


def test_a_text_counts_as_read_at_the_age_that_was_last_given() -> None:
    text, child = "Heart rate 130 today", 15 * 365
    assert [m.term_id for m in RECOGNISER.mentions_as_read(text)] == ["Tachycardia"]
    for age in (child, None, child):
        at_age = RECOGNISER.mentions(text, age_days=age)
        assert RECOGNISER.mentions_as_read(text) == at_age
    assert at_age == ()


def test_a_childs_age_is_known_by_its_years() -> None:
    assert is_child("6 month old")
    assert is_child("aged 4")
    assert is_child("a little girl")
    assert not is_child("A 40-year-old woman with a 2-week-old wound")
    assert not is_child("Seen today.")


def test_a_value_of_a_relative_or_in_a_warning_is_not_the_patients() -> None:
    (mother,) = RECOGNISER.mentions("Mother: BP 180/100")
    (warned,) = RECOGNISER.mentions("Call us if the temperature is 38.5 or more")
    assert mother.experiencer == "family"
    assert warned.temporality == "hypothetical"


def test_every_measure_names_its_source() -> None:
    data = tomllib.loads(files("resources").joinpath("recognition", "measurements.toml").read_text("utf-8"))
    for row in data["measure"]:
        assert row["sources"]
        assert set(row["sources"]) <= set(data["sources"])

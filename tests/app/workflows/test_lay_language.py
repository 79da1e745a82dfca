"""Ordinary wording is found as the ontology's own words are: what patients say, what clinicians note."""

import tomllib
from importlib.resources import files

import pytest

from app.workflows.evaluate_lay_sentences import lay_sentences, measure_lay_sentences
from app.workflows.load_rules import laboratory_rules
from app.workflows.suggest_findings import build_recogniser, is_about_patient
from knowledge_graph.graph.compiled_graph import CompiledGraph
from ml.recognition.measures import read_measures
from ml.recognition.recogniser import Recogniser
from ml.recognition.site_table import read_sites
from ml.recognition.wordings import read_wordings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recogniser(real_graph: CompiledGraph) -> Recogniser:
    return build_recogniser(real_graph)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A tearing pain in the chest.", {"Chest pain": "pain in the chest"}),
        ("Both eyes are tearing.", {"Epiphora": "eyes are tearing"}),
        (
            "Throbbing headache on one side, bright light hurts my eyes, I feel sick, saw zigzag lines.",
            {
                "Headache": "headache",
                "Photophobia": "light hurts my eyes",
                "Nausea": "feel sick",
                "Photopsia": "zigzag lines",
            },
        ),
        (
            "Pain started around the belly button yesterday and moved to the right lower abdomen. "
            "Vomited twice, temperature 38.1. Rebound tenderness at McBurney point.",
            {
                "Vomiting": "Vomited",
                "Fever": "temperature 38.1",
                "Abdominal guarding": "Rebound tenderness",
                "Abdominal pain": "Pain started around the belly button",
            },
        ),
        (
            "Always cold, gained 8 kg this year, hair is falling out, skin is dry, periods are heavy.",
            {
                "Cold intolerance": "Always cold",
                "Increased body weight": "gained 8 kg",
                "Alopecia": "hair is falling out",
                "Dry skin": "skin is dry",
                "Menorrhagia": "periods are heavy",
            },
        ),
        (
            "Burns when I pee, have to go every half hour, lower belly aches, urine is cloudy and smells.",
            {
                "Dysuria": "Burns when I pee",
                "Pollakisuria": "go every half hour",
                "Abdominal pain": "belly aches",
                "Cloudy urine": "urine is cloudy",
            },
        ),
        (
            "Unbearable pain in my big toe, red hot and swollen.",
            {"Toe pain": "pain in my big toe", "Joint swelling": "big toe, red hot and swollen"},
        ),
        (
            "Coughing blood, left calf swollen.",
            {"Hemoptysis": "Coughing blood", "Pedal edema": "calf swollen"},
        ),
        (
            "Drinking a lot and urinating a lot, deep fast breathing, breath smells of fruit.",
            {
                "Polydipsia": "Drinking a lot",
                "Polyuria": "urinating a lot",
                "Tachypnea": "deep fast breathing",
                "Ketosis": "breath smells of fruit",
            },
        ),
        (
            "My chest hurts. His leg is swollen. It hurts to swallow. It hurts when I pee. "
            "I can't keep anything down.",
            {
                "Chest pain": "chest hurts",
                "Pedal edema": "leg is swollen",
                "Odynophagia": "hurts to swallow",
                "Dysuria": "hurts when I pee",
                "Vomiting": "can't keep anything down",
            },
        ),
        (
            "Throwing up blood, coughed up blood, short of breath lying flat, wets the bed; lost her words.",
            {
                "Hematemesis": "Throwing up blood",
                "Hemoptysis": "coughed up blood",
                "Orthopnea": "short of breath lying flat",
                "Enuresis nocturna": "wets the bed",
                "Aphasia": "lost her words",
            },
        ),
        (
            "Hb 8.1 g/dL, glucose 25 mmol/L, K 6.8.",
            {"Anemia": "Hb 8.1", "Hyperglycemia": "glucose 25", "Hyperkalemia": "K 6.8"},
        ),
    ],
)
def test_what_people_say_is_found_where_they_say_it(
    recogniser: Recogniser, real_graph: CompiledGraph, text: str, expected: dict[str, str]
) -> None:
    found = {
        real_graph.term_names[real_graph.term_number(m.term_id)]: m.text
        for m in reversed(recogniser.mentions(text))
        if m.state == "observed" and is_about_patient(m)
    }
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("It doesn't burn when he pees.", "Dysuria"),
        ("He does not burn when he pees.", "Dysuria"),
        ("No pain in the calf.", "Lower limb pain"),
        ("She hasn't been throwing up.", "Vomiting"),
        ("Are you coughing up blood? No.", "Hemoptysis"),
        ("[doctor] have you had any burning when you urinate\n[patient] no i have not", "Dysuria"),
        ("Temperature 36.8.", "Fever"),
    ],
)
def test_what_is_denied_is_excluded(
    recogniser: Recogniser, real_graph: CompiledGraph, text: str, name: str
) -> None:
    (mention,) = recogniser.mentions(text)
    assert real_graph.term_names[real_graph.term_number(mention.term_id)] == name
    assert mention.state == "excluded"
    assert is_about_patient(mention)


@pytest.mark.parametrize(
    "text",
    [
        "My mother gets short of breath and her legs swell.",
        "Call us if your chest hurts or you cough up blood.",
        "She is trying to lose weight.",
        "Do your legs swell?",
        "Family history: leg swelling.",
    ],
)
def test_what_others_have_or_may_come_is_not_the_patients(recogniser: Recogniser, text: str) -> None:
    mentions = recogniser.mentions(text)
    assert mentions
    assert not any(is_about_patient(m) for m in mentions)


@pytest.mark.parametrize(
    "text",
    [
        "The IV line was flushed and the cyst wall drained.",
        "We discussed the central nervous system and cardiac pacing.",
        "I put weight on my foot.",
        "They lowered his potassium.",
        "Black and blue going out.",
        "No sleep loss.",
        "Feet wet, hands washed, back to work.",
        "Treated with extracorporeal shock wave lithotripsy.",
        "The stroke volume was measured; seen on the stroke unit.",
    ],
)
def test_words_that_mean_something_else_find_nothing(recogniser: Recogniser, text: str) -> None:
    assert recogniser.mentions(text) == ()


def test_a_relatives_clause_goes_on(recogniser: Recogniser) -> None:
    (pressure, stroke) = recogniser.mentions("My mother has high blood pressure and she had a stroke.")
    assert pressure.experiencer == stroke.experiencer == "family"


def test_every_list_names_terms_of_the_ontology(real_graph: CompiledGraph) -> None:
    root = real_graph.term_number("HP:0000118")
    known = {real_graph.term_names[t] for t in real_graph.descendants[root].tolist()}
    listed = {
        *(name for name, _ in read_wordings()),
        *read_sites().terms.values(),
        *read_measures().names.values(),
    }
    assert listed - known == set()
    assert len({*(name for name, _ in read_wordings()), *read_sites().terms.values()}) >= 400


def test_every_test_measured_in_text_has_a_rule() -> None:
    text = files("resources").joinpath("recognition", "measurements.toml").read_text("utf-8")
    tests = {row["test"] for row in tomllib.loads(text)["measure"] if "test" in row}
    assert tests <= {rule.name for rule in laboratory_rules()}


def test_everyday_sentences_are_read_as_promised(recogniser: Recogniser, real_graph: CompiledGraph) -> None:
    assert len(lay_sentences()) >= 150
    measured = measure_lay_sentences(recogniser, real_graph)
    assert measured["lay_recall"] >= 0.9  # type: ignore[operator]
    assert measured["lay_precision"] >= 0.9  # type: ignore[operator]

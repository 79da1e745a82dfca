"""Findings are found where they stand, in the state and about the person that the text says."""

import pytest

from ml.recognition.lexicon import Lexicon
from ml.recognition.recogniser import Mention, Recogniser
from ml.recognition.tokens import form_of, loose_form

LEXICON = Lexicon.build(
    [
        ("T:seizure", ["Seizure", "Epileptic seizures", "Fits"]),
        ("T:focal", ["Focal-onset seizure", "Focal seizures"]),
        ("T:fever", ["Fever", "Pyrexia"]),
        ("T:nose", ["Abnormality of the nose", "Anomaly of the nose"]),
        ("T:anemia", ["Anemia"]),
        ("T:edema", ["Pedal edema"]),
        ("T:cleft", ["Cleft palate"]),
    ]
)
RECOGNISER = Recogniser(LEXICON)


def only(text: str) -> Mention:
    (mention,) = RECOGNISER.mentions(text)
    assert text[mention.start : mention.end] == mention.text
    return mention


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("She had seizures.", "T:seizure"),
        ("Two epileptic seizures, then sleep", "T:seizure"),
        ("focal seizures", "T:focal"),
        ("Focal onset seizure", "T:focal"),
        ("the nose shows an abnormality of the nose", "T:nose"),
        ("Nasal anomalies", "T:nose"),
        ("anaemia", "T:anemia"),
        ("oedema, pedal oedema", "T:edema"),
    ],
)
def test_names_are_found_in_other_forms(text: str, term: str) -> None:
    assert term in {m.term_id for m in RECOGNISER.mentions(text)}


def test_the_longest_name_wins() -> None:
    assert [m.term_id for m in RECOGNISER.mentions("focal seizure and seizure")] == ["T:focal", "T:seizure"]


def test_a_name_does_not_reach_across_a_sentence() -> None:
    assert RECOGNISER.mentions("It was a cleft. Palate seen.") == ()


def test_offsets_count_code_points_of_the_text_as_given() -> None:
    text = "🩺\r\n\tÄ é́ fever\r\n"
    mention = only(text)
    assert text[mention.start : mention.end] == "fever"


@pytest.mark.parametrize(
    "word",
    ["se\u0301izures", "sei\u00adzures", "seizures\u0301", "sei\u200bzures", "\U0001d42c\U0001d41eizures"],
)
def test_marks_and_hidden_signs_inside_a_word_are_passed_over(word: str) -> None:
    text = f"🧠 {word}, \u200bthen sleep"
    mention = only(text)
    assert (mention.start, mention.text) == (2, word)


@pytest.mark.parametrize(
    "text",
    [
        "No fever.",
        "She denies any fever",
        "Fever was ruled out.",
        "Negative for anemia and fever.".replace("anemia and ", ""),
        "without cough, chills or fever",
        "Fever: absent",
        "There is no evidence of fever",
        "Fevers were not observed.",
        "Fever has not been seen",
        "Fever is not present",
        "Fever could not be confirmed.",
        "The fever has stopped.",
        "Fever (-), cough (+)",
    ],
)
def test_negated_findings_are_excluded(text: str) -> None:
    assert only(text).state == "excluded"


@pytest.mark.parametrize(
    "text",
    [
        "No cough but fever since Monday.",
        "Not only tired, she has fever.",
        "No cough. Fever.",
        "No cough\n\nFever",
        "- no cough\n- fever",
        "Fever without cough",
        "no chills i do have some fever",
        "No chills, no rash, just fever all the time",
        "no, the fever is still there",
        "yes to fever no to chills",
    ],
)
def test_a_negation_does_not_reach_too_far(text: str) -> None:
    assert only(text).state == "observed"


@pytest.mark.parametrize(
    "text",
    [
        "Her mother has seizures.",
        "Family history: seizures",
        "FH: sister with seizures",
        "Seizures in a sibling",
        "Mom has seizures",
        "She has a sister with deafness who also has seizures.",
        "His dad's seizures began at forty",
    ],
)
def test_a_relatives_finding_is_not_the_patients(text: str) -> None:
    assert only(text).experiencer == "family"


def test_a_relative_who_reports_has_not_the_finding() -> None:
    for text in (
        "Her mother reports seizures.",
        "Mom says he has seizures",
        "His parents described seizures",
    ):
        assert only(text).experiencer == "patient"
    assert only("Unlike her brother, she has seizures.").experiencer == "patient"
    denied = only("Her mother denies any seizures.")
    assert (denied.experiencer, denied.state) == ("patient", "excluded")


@pytest.mark.parametrize(
    "text",
    [
        "Possible seizures",
        "Seizures are suspected? likely",
        "monitor for seizures",
        "Diazepam p.r.n. for seizures",
        "take one as needed for seizures",
    ],
)
def test_what_is_only_feared_is_hypothetical(text: str) -> None:
    assert only(text).temporality == "hypothetical"


def test_the_past_is_told_from_the_present() -> None:
    assert only("She had a history of seizures").temporality == "historical"
    for text in (
        "History of diabetes was found to have seizures",
        "History of diabetes, now with seizures",
        "A history of falls and was brought in with seizures",
    ):
        assert only(text).temporality == "current"
    for text in ("Previously found to have seizures", "History of falls and seizures, found today"):
        assert only(text).temporality == "historical"
    for text in ("A 3-week history of seizures", "six weeks' history of seizures", "2/7 history of seizures"):
        assert only(text).temporality == "current"  # how long, not how long ago
    assert only("She has seizures").temporality == "current"


@pytest.mark.parametrize("text", ["", "\n\n", "…", "12 34", "ø"])
def test_texts_without_findings_give_none(text: str) -> None:
    assert RECOGNISER.mentions(text) == ()


def test_short_and_common_words_name_nothing() -> None:
    lexicon = Lexicon.build([("T:x", ["MI", "Pain", "Severe", "Cold"])])
    assert len(lexicon) == 0


def test_forms_join_spellings() -> None:
    assert form_of("Tumours") == form_of("tumor")
    assert loose_form("neoplasm") == loose_form("tumor")
    assert form_of("Ménière’s") == "meniere"


@pytest.mark.parametrize(
    "text",
    [
        "fever -ve",
        "neg for fever",
        "w/o fever",
        "Fever: no\nCough: yes",
        "Not present:\n- fever",
        "PERTINENT NEGATIVES\nFever",
        "+cough, -fever",
        "Negative: cough, fever. Positive: tremor.",
        "| Cough | yes |\n| Fever | no |",
        "Cough\tyes\nFever\tno\n",
        "Her mother denies fever",
    ],
)
def test_shorthand_negations_are_read(text: str) -> None:
    assert only(text).state == "excluded"


@pytest.mark.parametrize(
    "text", ["fever +ve", "Fever (+), cough (-)", "Cough: no fever clinic", "Not present:\n- cough\n\nFever"]
)
def test_what_only_resembles_a_negation_is_none(text: str) -> None:
    states = [m.state for m in RECOGNISER.mentions(text)]
    assert states == ["excluded" if "no fever" in text else "observed"]


@pytest.mark.parametrize(
    "text",
    [
        "?fever",
        "- ? fever",
        "Fever was considered.",
        "Query fever",
        "risks include, but are not limited to, fever",
    ],
)
def test_questions_are_hypothetical(text: str) -> None:
    assert only(text).temporality == "hypothetical"


def test_a_trigger_inside_a_name_is_none() -> None:
    recogniser = Recogniser(Lexicon.build([("T:a", ["Absent speech"]), ("T:b", ["Ataxia"])]))
    assert [m.state for m in recogniser.mentions("absent speech and ataxia")] == ["observed", "observed"]


def test_a_relative_with_an_adjective_is_a_relative() -> None:
    assert only("Seizures in his older brother.").experiencer == "family"

"""Notes are cleaned by public lists and the patient's own notes: what is said of her stays."""

import re

import pytest

from ml.text.boilerplate import without_boilerplate
from ml.text.cleaning import prepared, repaired
from ml.text.copied_text import without_copies
from ml.text.standard_form import standard_form


@pytest.mark.parametrize(
    ("given", "mended"),
    [
        ("CafÃ©-au-lait spots, 37 Â°C", "Café-au-lait spots, 37 °C"),
        ("the childâ€™s gait", "the child’s gait"),
        ("Café-au-lait, 5 µg, Ångström", "Café-au-lait, 5 µg, Ångström"),
        ("Mu\u0308ller\u00a0cells\r\nnext\x00", "Müller cells\nnext"),
        ("Pro\u00adtein", "Protein"),
    ],
)
def test_encodings_are_put_right_and_good_text_is_left(given: str, mended: str) -> None:
    assert repaired(given) == mended
    assert repaired(mended) == mended


def test_boilerplate_goes_and_findings_stay() -> None:
    note = (
        "Page 1 of 2\nSeizures since birth. Thank you for referring this boy.\n-----\nHe has ataxia.\n"
        "Electronically signed by A. Author on 3/4/2020.\nDictated but not read.\nEnd of report"
    )
    kept = without_boilerplate(note)
    assert kept.split() == ["Seizures", "since", "birth.", "He", "has", "ataxia."]
    whole = "Signed consent was given. The page was turned. He speaks of confidential matters."
    assert without_boilerplate(whole) == whole


@pytest.mark.parametrize(
    "letter",
    [
        "Thank you for referring this 12-year-old girl. She has had chorea for years. Dystonic, ataxic.",
        "Dear Dr Smith, Thank you for referring this 12-year-old girl. She has chorea.",
        "Thank you for referring this lady; she has chorea and depression.",
        "Dictated but not read. The patient has progressive ataxia, nystagmus and telangiectasia.",
        "Reviewed on the ward round by Dr Lee: new seizures overnight, EEG shows hypsarrhythmia, start ACTH.",
        "Reviewed by Dr Lee: Ataxia. Reviewed by Dr Lee, Ataxia worse",
        "Signed on for dialysis. Has polycystic kidneys and liver cysts.",
        "Signed by Dr House. Reviewed at clinic: severe ataxia and dystonia.",
        "Parents keep this confidential. Intended pregnancy. He has ambiguous genitalia.",
        "This is confidential: she disclosed intended self harm to the recipient of care.",
        "Verified by genetic testing: FBN1 mutation present.",
        "Verified by MRI: Polymicrogyria",
        "If you have received radiotherapy: error of refraction, cataract",
        "Yours was the first seizure in the family, severe.",
        "Sincerely worried about chest pain radiating to the left arm.",
        "T 39.2\nT 38.5\nD 2 of illness\nD: 3.5",
    ],
)
def test_no_word_of_what_is_said_of_a_patient_goes_with_the_boilerplate(letter: str) -> None:
    said = re.compile(
        r"chorea|dyston|atax|nystagm|seizure|hypsar|ACTH|dialysis|kidney|genit|pregnan|harm|FBN1|mutation"
        r"|Polymicr|cataract|radiother|chest pain|39\.2|38\.5|illness|3\.5",
        re.IGNORECASE,
    )
    (kept,) = prepared([letter])
    assert said.findall(kept) == said.findall(letter)
    assert said.findall(letter)


@pytest.mark.parametrize(
    "line",
    [
        "Electronically signed by: LEE, ANNA B., MD on 03/04/2020 10:15 AM",
        "This report has been electronically signed by Dr. A. Lee, Consultant Neurologist, 3 May 2020.",
        "Dictated by Dr Lee on 3 May 2020",
        "D: 03/04/2020 10:15",
        "Transcribed: 2020-04-03",
        "Signed.",
        "Yours sincerely,",
        "With kind regards, Dr Anna Lee",
        "Thank you very much for asking me to see this pleasant lady.",
        "This message is confidential and intended only for the use of the named recipient.",
        "If you are not the intended recipient, please notify the sender and delete this email.",
        "This document was created using voice recognition software and may contain errors.",
        "- - - - - - - -",
        "................",
    ],
)
def test_lines_that_name_and_date_alone_go(line: str) -> None:
    assert prepared([line + "\nHe has ataxia."]) == ("\nHe has ataxia.",)


@pytest.mark.parametrize(
    "piece", ["confidential ", "thank you for ", "Signed by A", ".", ". ", "a.", "D 1/1/20"]
)
def test_a_very_long_line_is_gone_through_once(piece: str) -> None:
    long = piece * 20_000
    assert without_boilerplate(long + " ataxia").endswith("ataxia")


@pytest.mark.parametrize(
    ("given", "standard"),
    [
        ("Hb 9.1 gm/dl, Na 131 mEq/L", "Hb 9.1 g/dL, Na 131 meq/L"),
        ("BP 150/90 mmHg, 38.5 deg C", "BP 150/90 mm[Hg], 38.5 Cel"),
        ("Pt c/o pain w/o fever, h/o DVT", "Patient complains of pain without fever, history of DVT"),
        ("5 ml of the mlg w/mixed", "5 mL of the mlg w/mixed"),
        ("Type 1 u/l form", "Type 1 U/L form"),
    ],
)
def test_units_and_shorthand_are_standardised(given: str, standard: str) -> None:
    assert standard_form(given).text == standard
    assert standard_form(standard).text == standard


def test_copied_forward_sentences_are_said_once_and_new_ones_stay() -> None:
    first = "Global developmental delay was noted at two years. No fever."
    second = "Global  developmental delay was noted at two years. No fever. Now he has ataxia."
    assert without_copies([first, second]) == [first, " Now he has ataxia."]
    anew = "Ataxia is worse. No fever."
    assert without_copies([first, anew]) == [first, anew]


def test_a_copied_passage_of_short_sentences_is_cut_and_short_words_said_anew_stay() -> None:
    first = "Seen in clinic. Scoliosis. Flat feet. Tall. No fever."
    assert without_copies([first, first + "\nNow ataxia."]) == [first, "\nNow ataxia."]
    column = "Tremor\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes"
    other = "Ataxia\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes\nyes"
    assert without_copies([column, other]) == [column, other]
    list_of = "nasal polyps; bronchiectasis; greasy stools"
    assert without_copies([list_of, f"{list_of}\nno cough"]) == [list_of, "\nno cough"]


def test_a_note_of_which_nothing_is_left_is_dropped() -> None:
    long = "Global developmental delay was noted at two years."
    assert prepared([long, long, "Page 2 of 2", "  "]) == (long,)
    assert prepared([]) == ()

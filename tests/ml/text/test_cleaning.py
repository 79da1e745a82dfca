"""Notes are cleaned by public lists and the patient's own notes: what is said of her stays."""

import pytest

from ml.text.cleaning import prepared, repaired, standardised, without_boilerplate, without_copies


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
    assert standardised(given) == standard
    assert standardised(standard) == standard


def test_copied_forward_sentences_are_said_once_and_new_ones_stay() -> None:
    first = "Global developmental delay was noted at two years. No fever."
    second = "Global  developmental delay was noted at two years. No fever. Now he has ataxia."
    assert without_copies([first, second]) == [first, " No fever. Now he has ataxia."]


def test_a_note_of_which_nothing_is_left_is_dropped() -> None:
    long = "Global developmental delay was noted at two years."
    assert prepared([long, long, "Page 2 of 2", "  "]) == (long,)
    assert prepared([]) == ()

"""Tables as hospitals export them: quotes, separators, decimal commas and dates in many forms; no guesses."""

from pathlib import Path
from typing import Any

import pytest

from app.clinical.note import Note
from app.clinical.patient import Patient
from app.clinical.record import Condition, Observation, Quantity
from app.errors import ImportRefused
from app.exchange.table import NOTHING_MORE, SOMEBODY_ELSES
from app.exchange.table_cell import ColumnHabit, iso_moment, measured
from tests.app.exchange.foreign_files import ADA, nouns, read_all, write


def read(tmp_path: Path, text: str, name: str = "t.csv", **options: Any) -> list[Any]:
    return read_all(write(tmp_path / name, text.encode()), **options)


def habit(*cells: str) -> ColumnHabit:
    made = ColumnHabit()
    for cell in cells:
        made.see(cell)
    return made


@pytest.mark.parametrize(
    ("text", "others", "moment"),
    [
        *(("1990-02-03", (), "1990-02-03"), ("1990-02", (), "1990-02"), ("1990", (), "1990")),
        *(("1990/2/3", (), "1990-02-03"), ("19900203", (), "1990-02-03"), ("3.2.1990", (), "1990-02-03")),
        *(("03-FEB-1990", (), "1990-02-03"), ("Feb 3, 1990", (), "1990-02-03")),
        ("3 February 1990", (), "1990-02-03"),
        *(("3/2/1990", ("25/2/1990",), "1990-02-03"), ("2/3/1990", ("2/25/1990",), "1990-02-03")),
        *(("3/2/1990", (), None), ("3/3/1990", (), "1990-03-03")),
        ("3/2/1990", ("25/2/1990", "2/25/1990"), None),
        *(("3.2.90", (), None), ("1990-02-30", (), None), ("32874", (), None), ("", (), "")),
        *(("2026-01-02 9:05", (), "2026-01-02T09:05:00"), ("20260102090507", (), "2026-01-02T09:05:07")),
        ("2026-01-02T09:05:07.123Z", (), "2026-01-02T09:05:07Z"),
        ("2.1.2026 09:05", (), "2026-01-02T09:05:00"),
        *(("2026-01-02 25:00", (), None), ("2026-01-02 09:05:60", (), None)),
        ("٢٠٢٦-٠١-٠٢", (), "2026-01-02"),
    ],
)  # fmt: skip
def test_a_date_is_read_in_many_forms_and_never_guessed(
    text: str, others: tuple[str, ...], moment: str | None
) -> None:
    assert iso_moment(text, habit(*others)) == moment


@pytest.mark.parametrize(
    ("text", "others", "value"),
    [
        *(("7.2", (), 7.2), ("7,2", (), 7.2), ("-7", (), -7.0), ("1e3", (), 1000.0), ("1.234", (), 1.234)),
        *(("1.234,5", (), 1234.5), ("1,234.5", (), 1234.5), ("1 234,5", (), 1234.5), ("1'234.5", (), 1234.5)),
        *(("150,000", (), None), ("150,000", ("7.2",), 150000.0), ("1,234", ("7,2",), 1.234)),
        *(("1.234", ("7,25",), 1234.0), ("1,234,567", (), None), ("1,234,567", ("7.25",), 1234567.0)),
        *(("12,34.5", (), None), ("high", (), None), ("5 mg", (), None), ("", (), None)),
        ("1,234", ("7,2", "7.2"), None),
    ],
)  # fmt: skip
def test_a_number_is_read_in_many_forms_and_never_a_thousandfold(
    text: str, others: tuple[str, ...], value: float | None
) -> None:
    amount = measured(text, habit(*others))
    assert (amount.value if amount else None) == value


def test_a_bound_keeps_its_comparator() -> None:
    assert measured("<5", habit()) == Quantity(5.0, "", "<")
    assert measured("≥ 1,5", habit()) == Quantity(1.5, "", ">=")


def test_a_cell_of_a_sign_and_blanks_takes_no_time_that_grows_with_its_square() -> None:
    assert measured("<" + 200_000 * " " + "?", habit()) is None


def test_a_semicolon_table_with_a_bom_a_separator_line_and_quoted_titles(tmp_path: Path) -> None:
    table = '\ufeffsep=;\r\nMRN;"Sex";"a,b,c,d";test;value;unit;low\r\n7;w;;Hb;"8,5";g/dL;12,0\r\n'
    items = read(tmp_path, table)
    (observation,) = nouns(items, Observation)
    assert (observation.quantity, observation.reference_range.low) == (Quantity(8.5, "g/dL"), 12.0)


def test_a_value_in_doubt_stays_text_and_is_remarked(tmp_path: Path) -> None:
    (item,) = read(tmp_path, 'mrn,test,value\n7,Platelets,"150,000"\n')
    assert nouns([item], Observation)[0].value_text == "150,000"
    assert item.remarks == ("the value is no certain number and was kept as text",)


def test_a_date_in_doubt_is_left_out_and_remarked(tmp_path: Path) -> None:
    (item,) = read(tmp_path, "mrn,dob,sex,text\n7,3/2/1990,x,Fever.\n")
    patient = nouns([item], Patient)[0]
    assert patient.birth_date == ""
    assert item.remarks == (
        "the sex is not one of F, M, other, unknown; it was left out",
        "the birth_date is not certain and was left out; write YYYY-MM-DD",
    )


def test_rows_of_one_patient_add_up_to_one_person(tmp_path: Path) -> None:
    items = read(tmp_path, "mrn,name,dob,text\n7,,,Fever.\n7,Ada Sample,1990-02-03,Rash.\n7,Eva,,Well.\n")
    people = nouns(items, Patient)
    assert [(p.name, p.birth_date) for p in people] == [("Ada Sample", "1990-02-03")]
    assert [bool(i.remarks) for i in items] == [False, False, True]


def test_columns_that_no_field_takes_are_named_where_they_hold_something(tmp_path: Path) -> None:
    items = read(tmp_path, "mrn,text,ward,\n7,Fever.,3B,\n8,Rash.,,x\n")
    assert [i.unread for i in items] == [("ward",), ("column 4",)]


def test_a_title_that_two_columns_carry_is_refused_only_where_it_is_used(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match="two columns are called 'text'; rename"):
        read(tmp_path, "mrn,text,Text\n7,a,b\n")
    assert len(read(tmp_path, "mrn,text,ward,ward\n7,a,b,c\n")) == 1
    with pytest.raises(ImportRefused, match="two columns are called 'A'"):
        read(tmp_path, "mrn,A,A\n7,a,b\n", column_map={"note": "A"})


def test_another_encoding_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ImportRefused, match=r"not UTF-8 .*save it as UTF-8"):
        read_all(write(tmp_path / "t.csv", "mrn,text\n7,Fièvre\n".encode("latin-1")))


def test_a_condition_keeps_onset_and_date_apart(tmp_path: Path) -> None:
    items = read(tmp_path, "mrn\tdiagnosis\tonset\tdate\n7\tGout\t2019\t2020-01-02\n", "t.tsv")
    (condition,) = nouns(items, Condition)
    assert (condition.onset, condition.recorded_at) == ("2019", "2020-01-02")


def test_a_note_keeps_its_line_ends_and_quotes(tmp_path: Path) -> None:
    items = read(tmp_path, 'mrn,text,date\n7,"Has ""fits"",\r\nno fever",2.1.2026\n')
    (note,) = nouns(items, Note)
    assert (note.text, note.written_at) == ('Has "fits",\r\nno fever', "2026-01-02")


def test_rows_and_texts_reach_the_patient_of_the_same_number_in_fhir(tmp_path: Path) -> None:
    fhir = write(tmp_path / "p.json", {**ADA, "identifier": [{"system": "urn:h", "value": "7"}]})
    table = write(tmp_path / "t.csv", b"mrn,name,dob,text\n7,Ada Sample,1990-02-03,Fever.\n8,,,Well.\n")
    other = write(tmp_path / "o.csv", b"mrn,name,dob,text\n7,Bob Other,1950-01-01,Not hers.\n")
    letter = write(tmp_path / "7.txt", b"Rash.")
    items = read_all(table, other, letter, fhir, patient_system="urn:h")
    ada = next(p for p in nouns(items, Patient) if p.birth_date == "1990-02-03")
    assert sorted(n.text for n in nouns(items, Note) if n.patient_id == ada.id) == ["Fever.", "Rash."]
    assert [i.skipped for i in items if i.skipped] == [SOMEBODY_ELSES]
    assert {n.patient_id == ada.id for n in nouns(read_all(table), Note)} == {False}


def test_a_row_that_says_nothing_more_of_a_patient_is_skipped_with_its_reason(tmp_path: Path) -> None:
    items = read(tmp_path, "mrn,ward,text\n7,3B,\n7,4A,\n7,,Fever.\n")
    assert [bool(item.records) for item in items] == [True, False, True]
    assert [item.skipped for item in items] == ["", NOTHING_MORE, ""]

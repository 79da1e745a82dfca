"""A subject's age is read in every form that phenopackets write it."""

from typing import Any

import pytest

from app.clinical.age import iso_duration_days
from app.exchange.phenopacket_age import subject_age_days

BORN = "1990-05-05T00:00:00Z"
TEN_YEARS = 3652


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("P33Y", round(33 * 365.25)),
        ("P1Y6M", round(365.25 + 6 * 30.44)),
        ("P2.5Y", round(2.5 * 365.25)),
        ("P0,5Y", round(0.5 * 365.25)),
        ("P2W3D", 17),
        ("P0D", 0),
        ("P1DT12H", 1),
        ("PT6H", 0),
        ("", None),
        ("P", None),
        ("PT", None),
        ("P1", None),
        ("-P3Y", None),
        ("33", None),
        (f"P{400 * '9'}Y", None),
        ("Congenital onset", None),
    ],
)
def test_an_age_is_an_iso_duration_or_nothing(text: str, days: int | None) -> None:
    assert iso_duration_days(text) == days


@pytest.mark.parametrize(
    ("subject", "days"),
    [
        ({"timeAtLastEncounter": {"age": {"iso8601duration": "P10Y"}}}, TEN_YEARS),
        ({"timeAtLastEncounter": {"iso8601duration": "P10Y"}}, TEN_YEARS),
        (
            {
                "timeAtLastEncounter": {
                    "ageRange": {"start": {"iso8601duration": "P8Y"}, "end": {"iso8601duration": "P12Y"}}
                }
            },
            TEN_YEARS,
        ),
        ({"timeAtLastEncounter": {"ageRange": {"start": {"iso8601duration": "P10Y"}}}}, TEN_YEARS),
        ({"timeAtLastEncounter": {"ontologyClass": {"id": "HP:0003621"}}}, TEN_YEARS),
        ({"timeAtLastEncounter": {"gestationalAge": {"weeks": 33, "days": 2}}}, 0),
        ({"dateOfBirth": BORN, "timeAtLastEncounter": {"timestamp": "2000-05-04T10:00:00Z"}}, TEN_YEARS),
        (
            {"dateOfBirth": BORN, "timeAtLastEncounter": {"interval": {"end": "2000-05-04T00:00:00Z"}}},
            TEN_YEARS,
        ),
        ({"time_at_last_encounter": {"age": {"iso8601duration": "P10Y"}}}, TEN_YEARS),
        ({"ageAtCollection": {"age": "P10Y"}}, TEN_YEARS),
        ({"ageAtCollection": {"ageRange": {"start": {"age": "P8Y"}, "end": {"age": "P12Y"}}}}, TEN_YEARS),
        ({"timeAtLastEncounter": {"age": {"iso8601duration": "ten years"}}}, None),
        ({"timeAtLastEncounter": {"timestamp": "2000-05-04"}}, None),
        ({"timeAtLastEncounter": {"timestamp": "soon"}, "dateOfBirth": BORN}, None),
        ({"timeAtLastEncounter": 10}, None),
        ({}, None),
    ],
)
def test_every_form_of_age_is_read(subject: dict[str, Any], days: int | None) -> None:
    found = subject_age_days({"subject": subject})
    assert found == days or (found is not None and days is not None and abs(found - days) <= 1)
